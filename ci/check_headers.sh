#!/bin/bash
# Compiles every public header alone, as C11 and as C++17, with warnings as errors.
# usage: check_headers.sh [BUILD_DIR]      BUILD_DIR holds the generated sinter/ops.h
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/dev}
generated=$build/generated/include
if [ ! -f "$generated/sinter/ops.h" ]; then
  echo "$generated/sinter/ops.h is missing: build first, or name the build directory" >&2
  exit 1
fi

failed=0
count=0
flags=(-fsyntax-only -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -DCL_TARGET_OPENCL_VERSION=300
  -I include -I "$generated")
for header in include/sinter/*.h "$generated"/sinter/*.h; do
  name=sinter/$(basename "$header")
  printf '#include <%s>\n#include <%s>\ntypedef int unit;\n' "$name" "$name" |
    "${CC:-gcc}" -std=c11 -Wstrict-prototypes -x c "${flags[@]}" - || failed=1
  printf '#include <%s>\n#include <%s>\ntypedef int unit;\n' "$name" "$name" |
    "${CXX:-g++}" -std=c++17 -x c++ "${flags[@]}" - || failed=1
  count=$((count + 1))
done
echo "headers: $count, each in C11 and C++17"
exit "$failed"
