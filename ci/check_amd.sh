#!/bin/bash
# Compiles kernels for AMD GPUs that nobody here has: every one must compile, and those of the GPU's
# elementwise and reduction strategies must not spill to scratch memory.
# usage: check_amd.sh DIRECTORY [MOST]
# DIRECTORY holds the .cl files that the tests write when SINTER_DUMP_KERNELS names it; MOST is how
# many of each kind are compiled (40).
set -euo pipefail
directory=${1:?usage: check_amd.sh DIRECTORY [MOST]}
most=${2:-40}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export work

compile_one() { # CHIP FILE
  local chip=$1 file=$2 name out options
  name=$(basename "$file" .cl)
  out=$work/$chip-$name
  # The first line holds the options; the language version is ours.
  options=$(sed -n '1s,^// options: *,,p' "$file" | tr ' ' '\n' | grep '^-D' | tr '\n' ' ' || true)
  # shellcheck disable=SC2086 # several options
  if ! clang-15 -x cl -cl-std=CL1.2 -target amdgcn-amd-amdhsa -mcpu="$chip" -O3 -w $options \
    --rocm-device-lib-path=/usr/lib/x86_64-linux-gnu/amdgcn/bitcode -S -o "$out.s" "$file" \
    2>"$out.log"; then
    echo "does not compile for $chip: $name"
    head -n 20 "$out.log"
    touch "$work/failed"
    return
  fi
  case $name in
  gpu_elementwise* | gpu_column* | gpu_row*)
    if grep '; ScratchSize: ' "$out.s" | grep -qv ': 0$'; then
      echo "spills on $chip: $name: $(grep '; ScratchSize: ' "$out.s" | tr '\n' ' ')"
      touch "$work/failed"
    fi
    ;;
  esac
  echo "$chip" >>"$work/done"
  rm -f "$out.s"
}
export -f compile_one

# Of each kind (the name up to the first '-') every n-th, so that at most MOST are left.
find "$directory" -name '*.cl' | sort | awk -F/ -v most="$most" '
  { kind = $NF; sub(/-.*/, "", kind); ++total[kind]; file[kind, total[kind]] = $0 }
  END {
    for (kind in total) {
      step = total[kind] > most ? total[kind] / most : 1
      for (at = 1; at <= total[kind]; at += step) print file[kind, int(at)]
    }
  }' >"$work/files"
count=$(wc -l <"$work/files")
if [ "$count" -eq 0 ]; then
  echo "no kernels in $directory" >&2
  exit 1
fi

for chip in gfx906 gfx90a gfx1030; do
  xargs -P "$(nproc)" -I FILE bash -c 'compile_one "$@"' compile_one "$chip" FILE <"$work/files"
done
echo "AMD: $count kernels for gfx906, gfx90a, gfx1030: $(wc -l <"$work/done") of $((3 * count)) compile"
[ ! -e "$work/failed" ]
