#!/bin/bash
# The progress line of the program: on a terminal it is there and gone at the end, elsewhere there is nothing of it.
# usage: check_progress.sh [BUILD_DIR]
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
sinter=$(realpath "${1:-build/dev}/tools/sinter")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
# A chroot often has no /dev/pts, so no terminal can be had; what is written into a pipe is checked all the same.
terminals=1
if ! script -qec true /dev/null </dev/null >/dev/null 2>&1; then terminals=0; fi

wrong() {
  echo "progress: $*"
  failed=1
}

# on_terminal TERM ARGUMENT...: what a terminal would be sent; the kernels are compiled anew, which takes its time.
on_terminal() {
  local term=$1
  shift
  rm -rf "$work/cache"
  TERM=$term SINTER_CACHE_DIR=$work/cache POCL_CACHE_DIR=$work/cache timeout 300 \
    script -qec "stty cols 100; '$sinter' $*" /dev/null </dev/null >"$work/terminal" || wrong "'$*' failed: $(cat "$work/terminal")"
}

in_pipe() {
  rm -rf "$work/cache"
  SINTER_CACHE_DIR=$work/cache POCL_CACHE_DIR=$work/cache timeout 300 "$sinter" "$@" >"$work/out" 2>"$work/err" || wrong "'$*' failed"
  if [ -s "$work/err" ]; then wrong "'$*' writes into a pipe: $(head -c 200 "$work/err")"; fi
}

# Compares what a terminal was sent with what a pipe was: each line of the screen is what follows the last time that it was
# cleared, and no progress line is wider than the terminal.
compare() { # TERMINAL PIPE
  python3 - "$1" "$2" <<'PYTHON'
import sys

sent = open(sys.argv[1], encoding="utf-8", newline="").read().replace("\r\n", "\n")
lines = [line.split("\r\x1b[K") for line in sent.split("\n")]
left = [line[-1] for line in lines if line[-1]]
want = open(sys.argv[2], encoding="utf-8").read().split("\n")
want = [line for line in want if line]
if left != want:
    print("a terminal is left with %r instead of %r" % (left[:5], want[:5]))
wide = [part for line in lines for part in line[:-1] if len(part) >= 100]
if wide:
    print("a line is wider than the terminal: %r" % wide[0])
PYTHON
}

check() { # WORDS ARGUMENT...
  local words=$1 line
  shift
  in_pipe "$@"
  if [ "$terminals" -eq 0 ]; then return; fi
  on_terminal xterm "$@"
  if ! grep -qa $'\r\x1b\[K'"$words" "$work/terminal"; then wrong "'$*' shows no '$words' on a terminal"; fi
  line=$(compare "$work/terminal" "$work/out")
  if [ -n "$line" ]; then wrong "'$*': $line"; fi
}

# The line appears at its next turn and not only after a second: a quick machine compiles these in less.
export SINTER_PROGRESS_MS=0
check 'testing \[' conformance tests/data/digits
check 'compiling \[' explain tests/data/digits/model.onnx
if [ "$terminals" -eq 0 ]; then
  if [ "$failed" -eq 0 ]; then echo "progress: nothing in a pipe; no pseudo-terminal here (is /dev/pts mounted?), so that half is not checked"; fi
  exit "$failed"
fi
on_terminal dumb conformance tests/data/digits
if grep -qa $'\x1b' "$work/terminal"; then wrong "a terminal that cannot clear a line is sent escapes"; fi

# What takes long says how long it has been going on, and of what.
lasts() { # WORDS ARGUMENT...
  local words=$1
  shift
  TERM=xterm timeout 20 script -qec "timeout 4 '$sinter' $*" /dev/null </dev/null >"$work/terminal"
  if ! grep -qaE "$words" "$work/terminal"; then wrong "'$*' says nothing for 4 s"; fi
}
lasts 'running \[[#.]+\] [0-9]+ of 10000000, [23] s' run tests/data/digits/model.onnx --repeat 10000000
SINTER_CACHE_DIR=$work/tuned lasts 'tuning(, [0-9]+ s| \[)' tune tests/data/digits/model.onnx
lasts 'timing \[[#.]+\] [0-9]+ of [0-9]+, [0-9]+ s: ' bench

if [ "$failed" -eq 0 ]; then echo "progress: on a terminal only"; fi
exit "$failed"
