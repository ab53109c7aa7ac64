#!/bin/bash
# Builds and tests everything: the first command on a fresh Debian 12, as root. Without root it
# names the packages that are missing. The last line is `N passed, N failed`.
# usage: test.sh [STEP]...      steps: static dev program kernels install asan tsan (all of them by default)
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=ci/packages.sh
. ci/packages.sh
install_packages "${SINTER_BUILD_PACKAGES[@]}" "${SINTER_RUN_PACKAGES[@]}" \
  "${SINTER_TEST_PACKAGES[@]}" || exit 1

steps=("$@")
if [ "${#steps[@]}" -eq 0 ]; then steps=(static dev program kernels install asan tsan); fi
jobs=$(nproc)
passed=0
failed=0
failures=()
started=$SECONDS
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Tests share no kernels with the user, and find none of an earlier run.
export SINTER_CACHE_DIR=$scratch/cache POCL_CACHE_DIR=$scratch/pocl
unset SINTER_DEVICE SINTER_DISABLE_FUSION SINTER_LOG SINTER_CACHE_MAX_BYTES
# Every driver that is loaded brings its own leaks and locks; tests that want another one say so.
if [ -f /etc/OpenCL/vendors/pocl.icd ]; then export OCL_ICD_VENDORS=pocl.icd; fi

say() { printf '\n== %s (%d s)\n' "$*" $((SECONDS - started)); }

# One check that is a command: check NAME SECONDS COMMAND...
check() {
  local name=$1 limit=$2
  shift 2
  # `timeout` runs programs; bash runs the functions that are exported.
  if timeout --kill-after=10 "$limit" bash -c '"$@"' "$name" "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    failures+=("$name")
    echo "FAILED: $name"
    return 1
  fi
}

build_preset() { # PRESET [TARGET]...
  local preset=$1
  shift
  cmake --preset "$preset" >"$scratch/configure.log" 2>&1 || {
    cat "$scratch/configure.log"
    return 1
  }
  local targets=()
  if [ "$#" -gt 0 ]; then targets=(--target "$@"); fi
  cmake --build --preset "$preset" --parallel "$jobs" "${targets[@]}" >"$scratch/build.log" 2>&1 || {
    tail -n 60 "$scratch/build.log"
    return 1
  }
}

# Adds what ctest counted. A ctest that ran no test at all is a failure.
run_ctest() { # NAME BUILD_DIR SECONDS CTEST_ARGUMENT...
  local name=$1 dir=$2 limit=$3 line bad total
  shift 3
  timeout --kill-after=10 "$limit" ctest --test-dir "$dir" --output-on-failure --no-tests=error \
    -j "$jobs" "$@" 2>&1 | tee "$scratch/ctest.log"
  line=$(grep -E 'tests? failed out of [0-9]+' "$scratch/ctest.log" | tail -n 1)
  if [ -z "$line" ]; then
    failed=$((failed + 1))
    failures+=("$name: ctest did not finish")
    return
  fi
  bad=$(sed -E 's/.* ([0-9]+) tests? failed out of .*/\1/' <<<"$line")
  total=$(sed -E 's/.* out of ([0-9]+).*/\1/' <<<"$line")
  passed=$((passed + total - bad))
  failed=$((failed + bad))
  if [ "$bad" -gt 0 ]; then failures+=("$name: $bad of $total tests"); fi
}

step_static() {
  check "include order" 60 bash ci/check_includes.sh
  check "tools of the scripts" 60 bash ci/check_tools.sh
  check "format of the sources" 120 bash ci/check_format.sh
  if command -v shellcheck >/dev/null; then
    check "shellcheck" 120 shellcheck -x ci/*.sh .ci/run
  fi
}

step_dev() {
  # A locale with a decimal comma shows where a number is printed in the program's locale.
  if [ "$(id -u)" -eq 0 ] && command -v localedef >/dev/null; then
    localedef -i de_DE -f UTF-8 de_DE.UTF-8 2>/dev/null || true
  fi
  check "build dev" 900 build_preset dev || return
  check "public headers" 300 bash ci/check_headers.sh build/dev
  # Tests of products try hundreds of tiles and shapes; one in four is tried here, and all of them by ctest alone.
  SINTER_TEST_EVERY=4 run_ctest "dev" build/dev 2400
}

step_program() {
  check "program" 900 bash ci/check_program.sh build/dev
  check "progress" 300 bash ci/check_progress.sh build/dev
  check "the page of explain" 300 bash ci/check_page.sh build/dev
  check "ONNX's operator tests" 1500 check_operators build/dev
}

# Every operator test of ONNX, on two halves of the list at once: at least 800 pass and none fails.
check_operators() {
  local data=/usr/share/libonnx-testdata/data/node half line ok=0
  "$1/tools/sinter" conformance --no-cache "$data"/test_[a-l]* >"$scratch/first.log" 2>&1 &
  "$1/tools/sinter" conformance --no-cache "$data"/test_[m-z]* >"$scratch/second.log" 2>&1 &
  wait
  for half in first second; do
    line=$(grep -E '^[0-9]+ passed, 0 failed, [0-9]+ skipped$' "$scratch/$half.log")
    echo "operators, $half half: ${line:-$(grep -E '^FAIL|^sinter|passed' "$scratch/$half.log" | head -n 20)}"
    ok=$((ok + ${line%% *}))
  done
  [ "$ok" -ge 800 ]
}

# The kernels of four tests as files, two tests at once: write_kernels TESTS DIRECTORY.
write_kernels() {
  local longest
  export SINTER_DUMP_KERNELS=$2
  "$1/test_codegen" >/dev/null 2>&1 &
  longest=$!
  SINTER_TEST_EVERY=4 "$1/test_contract" >/dev/null 2>&1 && SINTER_TEST_EVERY=1000 "$1/test_mma" >/dev/null 2>&1 &&
    CK_RUN_CASE="as a GPU" "$1/test_nest" >/dev/null 2>&1 && wait "$longest"
}

# What the tests' kernels are on devices that nobody here has, and under a checker; a second driver.
step_kernels() {
  mkdir -p "$scratch/kernels"
  check "kernels written" 900 write_kernels build/dev/tests "$scratch/kernels"
  check "AMD's compiler" 900 bash ci/check_amd.sh "$scratch/kernels" 12
  check "Oclgrind" 1500 bash ci/check_oclgrind.sh build/dev
  check "bytes of rows" 600 bash ci/check_bytes.sh build/dev
  if [ -f /etc/OpenCL/vendors/rusticl.icd ]; then
    check "rusticl" 900 env OCL_ICD_VENDORS=rusticl.icd RUSTICL_ENABLE=llvmpipe \
      build/dev/tools/sinter conformance tests/data/digits tests/data/models/squeezenet \
      tests/data/models/bert_mini
  fi
}

step_install() {
  check "install" 300 bash ci/check_install.sh build/dev
  check "interface of the last release" 120 bash ci/check_abi.sh build/dev
  check "interface: a loss is found" 120 bash ci/check_abi.sh --self-test build/dev
}

step_asan() {
  check "build asan" 900 build_preset asan || return
  # An absurd allocation gives NULL, as it does in the C library. The leak check crashed twice on what it had recorded of
  # the dynamic TLS of a driver's threads, so it does not record that.
  # The same products as in dev, whose compiled kernels PoCL still has.
  SINTER_TEST_EVERY=4 ASAN_OPTIONS=allocator_may_return_null=1:detect_stack_use_after_return=1:intercept_tls_get_addr=0 \
    UBSAN_OPTIONS=print_stacktrace=1 run_ctest "asan" build/asan 2400
}

step_tsan() {
  local programs=()
  local source
  for source in tests/*/test_*threads*.c; do programs+=("$(basename "$source" .c)"); done
  check "build tsan" 900 build_preset tsan "${programs[@]}" || return
  run_ctest "tsan" build/tsan 900 -R 'threads'
}

export -f build_preset check_operators write_kernels
export jobs scratch

for step in "${steps[@]}"; do
  say "$step"
  case $step in
  static | dev | program | kernels | install | asan | tsan) "step_$step" ;;
  *)
    echo "unknown step '$step'" >&2
    exit 2
    ;;
  esac
done

say "done"
for name in "${failures[@]+"${failures[@]}"}"; do echo "failed: $name"; done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
