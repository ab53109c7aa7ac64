#!/bin/bash
# Compiles kernels for AMD GPUs that nobody here has: every one must compile, and those of the GPU's
# elementwise, reduction, matrix-vector and attention strategies must not spill to scratch memory. Products by matrix
# instructions are compiled for the chip that has the instruction; it must be there, and no scratch.
# usage: check_amd.sh DIRECTORY [MOST]
# DIRECTORY holds the .cl files that the tests write when SINTER_DUMP_KERNELS names it; MOST is how
# many of each kind are compiled (40).
set -euo pipefail
directory=${1:?usage: check_amd.sh DIRECTORY [MOST]}
most=${2:-40}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export work

bitcode=/usr/lib/x86_64-linux-gnu/amdgcn/bitcode
export bitcode

# The device library has no part for gfx1100; that of gfx1030 does for what kernels call.
library_of() { # CHIP
  local part
  if [ "$1" != gfx1100 ]; then
    echo "--rocm-device-lib-path=$bitcode"
    return
  fi
  echo -nogpulib -Xclang -finclude-default-header
  for part in opencl ockl ocml oclc_isa_version_1030 oclc_wavefrontsize64_off oclc_finite_only_off \
    oclc_unsafe_math_off oclc_daz_opt_off oclc_correctly_rounded_sqrt_on oclc_abi_version_400; do
    echo "-Xclang -mlink-builtin-bitcode -Xclang $bitcode/$part.bc"
  done
}
export -f library_of

# Which matrix instruction a kernel must show on a chip; "other": one that the chip does not have.
matrix_of() { # CHIP NAME
  case $2 in
  gpu_mma_mfma*) if [ "$1" = gfx90a ]; then echo v_mfma; else echo other; fi ;;
  gpu_mma_wmma*) if [ "$1" = gfx1100 ]; then echo v_wmma; else echo other; fi ;;
  gpu_mma_mma*) echo other ;; # NVIDIA's
  *) if [ "$1" = gfx1100 ]; then echo other; fi ;;
  esac
}
export -f matrix_of

compile_one() { # CHIP FILE
  local chip=$1 file=$2 name out options matrix
  name=$(basename "$file" .cl)
  matrix=$(matrix_of "$chip" "$name")
  [ "$matrix" != other ] || return 0
  echo "$chip" >>"$work/tried"
  out=$work/$chip-$name
  # The first line holds the options; the language version is ours.
  options=$(sed -n '1s,^// options: *,,p' "$file" | tr ' ' '\n' | grep '^-D' | tr '\n' ' ' || true)
  # shellcheck disable=SC2086,SC2046 # several options
  if ! clang-15 -x cl -cl-std=CL1.2 -target amdgcn-amd-amdhsa -mcpu="$chip" -O3 -w $options \
    $(library_of "$chip") -S -o "$out.s" "$file" 2>"$out.log"; then
    echo "does not compile for $chip: $name"
    head -n 20 "$out.log"
    touch "$work/failed"
    return
  fi
  if [ -n "$matrix" ] && ! grep -q "$matrix" "$out.s"; then
    echo "no $matrix on $chip: $name"
    touch "$work/failed"
  fi
  case $name in
  *_emulated-*) ;; # an instruction written out in plain code, for tests; nobody's kernel
  gpu_elementwise* | gpu_column* | gpu_row* | gpu_mma_* | gpu_attention* | gpu_gemv*)
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

for chip in gfx906 gfx90a gfx1030 gfx1100; do
  xargs -P "$(nproc)" -I FILE bash -c 'compile_one "$@"' compile_one "$chip" FILE <"$work/files"
done
echo "AMD: $count kernels for gfx906, gfx90a, gfx1030, matrix products also for gfx1100:" \
  "$(wc -l <"$work/done") of $(wc -l <"$work/tried") compile"
[ ! -e "$work/failed" ]
