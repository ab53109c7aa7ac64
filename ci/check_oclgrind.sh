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

# One run: NAME COMMAND... Unoptimised, because Oclgrind 21.10 stops at instructions that LLVM's optimiser makes (freeze,
# shuffles with undefined lanes).
checks="--data-races --uninitialized"
run() {
  local name=$1 text
  shift
  # shellcheck disable=SC2086 # several options
  if ! timeout 900 oclgrind $checks --check-api --build-options -cl-opt-disable \
    --log "$work/$name.grind" "$@" >"$work/$name.log" 2>&1; then
    text="the program failed: $(tail -n 20 "$work/$name.log")"
  elif [ -s "$work/$name.grind" ]; then
    text="complaints: $(head -n 20 "$work/$name.grind")"
  else
    echo "oclgrind: $name: clean"
    return
  fi
  echo "oclgrind: $name: $text"
  touch "$work/failed"
}

# Every strategy of elementwise and reduction kernels; one of sixteen products; a model; whole graphs.
run codegen "$build/tests/test_codegen" &
{
  SINTER_TEST_EVERY=16 run contract "$build/tests/test_contract"
  SINTER_TEST_SMALL=1 run mma "$build/tests/test_mma"
  run digits "$build/tools/sinter" run tests/data/digits/model.onnx \
    --input image=tests/data/digits/scan-3.pgm --top 1
  # In later runs of a plan Oclgrind takes memory for unwritten that kernels wrote; the test fills memory with NaN instead.
  checks=--data-races
  SINTER_TEST_GRAPHS=2 run graphs "$build/tests/test_graphs_device"
  CK_FORK=no run states "$build/tests/test_state"
  CK_FORK=no run aliases "$build/tests/test_alias"
  SINTER_TEST_SMALL=1 CK_RUN_CASE="as a GPU" run scans "$build/tests/test_scan"
  CK_RUN_CASE=small run attention "$build/tests/test_nest"
} &
wait
[ ! -e "$work/failed" ]
