#!/bin/bash
# The program, as a user meets it: the digits, the models of real exporters, the cache between two processes, and what it
# says when something is wrong.
# usage: check_program.sh [BUILD_DIR]
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
sinter=${1:-build/dev}/tools/sinter
digits=tests/data/digits
model=$digits/model.onnx
bert=tests/data/models/bert_mini/model.onnx
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SINTER_CACHE_DIR=$work/cache
failed=0

wrong() {
  echo "program: $*"
  failed=1
}

# says CODE WORDS ARGUMENT...: the program ends with CODE, and its standard error holds WORDS.
says() {
  local code=$1 words=$2 seen
  shift 2
  timeout 120 "$sinter" "$@" >"$work/out" 2>"$work/err"
  seen=$?
  if [ "$seen" -ne "$code" ]; then wrong "'$*' ended with $seen, not $code: $(head -c 300 "$work/err")"; fi
  if [ -n "$words" ] && ! grep -qF -- "$words" "$work/err"; then wrong "'$*' did not say '$words': $(head -c 300 "$work/err")"; fi
}

value() { sed -n "s/^$1: *//p" "$work/out"; }

for digit in 0 1 2 3 4 5 6 7 8 9; do
  says 0 "" run "$model" --input "image=$digits/scan-$digit.pgm" --top 1
  read -r seen _ <"$work/out"
  if [ "$seen" != "$digit" ]; then wrong "scan-$digit.pgm is read as $seen"; fi
done
says 0 "" run "$model" --stats
if [ "$(value launches)" -gt 6 ]; then wrong "the digits take $(value launches) launches"; fi
if [ "$(value kernels_compiled)" != 0 ]; then wrong "a second process compiles $(value kernels_compiled) kernels"; fi
says 0 "" cache verify
if [ "$(value bad)" != 0 ] || [ "$(value entries)" -lt 1 ]; then wrong "the cache: $(cat "$work/out")"; fi

"$sinter" conformance "$digits" tests/data/models >"$work/out" 2>&1 || wrong "$(cat "$work/out")"
tail -n 1 "$work/out" | sed 's/^/models: /'

says 0 "" explain "$bert"
launches=$(grep -c '^launch [0-9]*:' "$work/out")
for line in operators ends "bytes moved" strategy; do
  count=$(grep -c "^  $line: " "$work/out")
  if [ "$count" -ne "$launches" ]; then wrong "explain has $count lines of '$line' for $launches launches"; fi
done

head -c 3000 "$model" >"$work/cut.onnx"
says 1 "malformed or cut short" run "$work/cut.onnx"
says 1 "No such file or directory" run "$work/none.onnx"
says 1 "Is a directory" run "$digits"
says 1 "malformed" run "$digits/scan-1.pgm"
says 1 "files end in .npy, .pb, .pgm or .ppm" run "$model" --input "image=$digits/labels.txt"
says 1 "No such file or directory" run "$model" --input image=none.pgm
says 2 "no input 'imag'; it has: image" run "$model" --input "imag=$digits/scan-1.pgm"
says 2 "no dimension 'nosuch'" run "$bert" --dim nosuch=3
says 1 "holds f32, the input is i64" run "$bert" --input "input_ids=$digits/test_data_set_0/input_0.pb"
says 1 "no OpenCL device matches 'voodoo'" run "$model" --device voodoo
says 2 "unknown command 'frobnicate'" frobnicate
says 2 "takes one model" run
says 2 "wants a number" run "$model" --top x
OCL_ICD_VENDORS=$work says 1 "pocl-opencl-icd" run "$model"
SINTER_CACHE_DIR=/dev/null/cache says 0 "no kernel cache on disk" run "$model" --top 1
if [ "$(grep -c "no kernel cache on disk" "$work/err")" -ne 1 ]; then wrong "the missing cache is named more than once"; fi

if [ "$failed" -eq 0 ]; then echo "program: as promised"; fi
exit "$failed"
