#!/bin/bash
# The Debian 12 packages that Sinter needs, in one place, and a function that installs what is
# missing. The other scripts source this file; run by itself it installs everything.

SINTER_BUILD_PACKAGES=(
  gcc cmake ninja-build pkg-config libc6-dev
  ocl-icd-opencl-dev ocl-icd-libopencl1 opencl-headers
  libxxhash-dev libjansson-dev uthash-dev
  libprotobuf-c-dev protobuf-c-compiler protobuf-compiler libonnx-dev
)
SINTER_RUN_PACKAGES=(pocl-opencl-icd)
# g++ compiles the public headers as C++; check is the unit-test library; the others are a second
# OpenCL stack, a checker of kernels, a compiler for AMD, peers for benchmarks, a locale that
# writes 1,5, and a browser for the page of `explain`.
SINTER_TEST_PACKAGES=(
  g++ check clang-format clinfo libonnx-testdata shellcheck
  mesa-opencl-icd oclgrind clang-15 rocm-device-libs libopenblas-dev libclblast-dev
  locales python3 chromium bsdutils
)

# Sets MISSING_PACKAGES to those of the arguments that are not installed.
find_missing_packages() {
  local package
  MISSING_PACKAGES=()
  for package in "$@"; do
    if [ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null)" != "ii " ]; then
      MISSING_PACKAGES+=("$package")
    fi
  done
}

# Installs those of the arguments that are missing; without root, names them and fails.
install_packages() {
  if ! command -v dpkg-query >/dev/null; then
    echo "This is no Debian; these packages (Debian 12 names) are needed: $*" >&2
    return 0
  fi
  find_missing_packages "$@"
  if [ "${#MISSING_PACKAGES[@]}" -eq 0 ]; then return 0; fi
  if [ "$(id -u)" -ne 0 ]; then
    echo "These packages are missing: ${MISSING_PACKAGES[*]}" >&2
    echo "Install them as root: apt-get install ${MISSING_PACKAGES[*]}" >&2
    return 1
  fi
  echo "Installing ${MISSING_PACKAGES[*]}"
  apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      "${MISSING_PACKAGES[@]}" >/dev/null
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  install_packages "${SINTER_BUILD_PACKAGES[@]}" "${SINTER_RUN_PACKAGES[@]}" \
    "${SINTER_TEST_PACKAGES[@]}"
fi
