#!/bin/bash
# C sources are as clang-format (14, Debian 12) writes them by .clang-format.
# usage: check_format.sh         `check_format.sh --fix` rewrites those that are not
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
mapfile -t files < <(find include lib tools tests -name '*.[ch]' -o -name '*.cpp')
if [ "${1:-}" = --fix ]; then exec clang-format -i "${files[@]}"; fi
clang-format --dry-run -Werror "${files[@]}" 2>&1 | grep 'error:' | head -n 20
[ "${PIPESTATUS[0]}" -eq 0 ]
