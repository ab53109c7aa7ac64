#!/bin/bash
# Runs generated kernels under Oclgrind: a data race, an invalid access or a read of memory that was
# never written is a failure.
# usage: check_oclgrind.sh [BUILD_DIR]
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
build=${1:-build/dev}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SINTER_CACHE_DIR=$work/cache
unset OCL_ICD_VENDORS
failed=0

# One run: NAME COMMAND... Unoptimised, because Oclgrind 21.10 stops at instructions that LLVM's optimiser makes (freeze,
# shuffles with undefined lanes).
run() {
  local name=$1 log
  shift
  log=$work/log
  if ! timeout 600 oclgrind --data-races --uninitialized --check-api --build-options -cl-opt-disable \
    --log "$work/grind" \
    "$@" >"$log" 2>&1; then
    tail -n 20 "$log"
    echo "oclgrind: $name: the program failed"
    failed=1
  elif [ -s "$work/grind" ]; then
    head -n 20 "$work/grind"
    echo "oclgrind: $name: complaints"
    failed=1
  else
    echo "oclgrind: $name: clean"
  fi
  rm -f "$work/grind"
}

run "digits" "$build/tools/sinter" run tests/data/digits/model.onnx \
  --input image=tests/data/digits/scan-3.pgm --top 1
run "codegen" "$build/tests/test_codegen"
exit "$failed"
