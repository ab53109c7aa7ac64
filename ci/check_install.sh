#!/bin/bash
# Installs a build into a temporary prefix and builds a small outside program against it: with
# pkg-config shared, with pkg-config static, and with find_package in CMake, both ways. Runs each.
# usage: check_install.sh [BUILD_DIR]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/dev}
source=$PWD/tests/install
model=$PWD/tests/data/digits/model.onnx
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

cmake --install "$build" --prefix "$prefix" >"$work/install.log"
libdir=$(dirname "$(find "$prefix" -name libsinter.so)")
export PKG_CONFIG_PATH=$libdir/pkgconfig
export SINTER_CACHE_DIR=$work/cache

# Tuning records are shipped, and each is a line of JSON with its checksum last.
find "$prefix/share/sinter/tuning" -name '*.jsonl' | grep -q . || {
  echo "no tuning records are installed" >&2
  exit 1
}
if cat "$prefix"/share/sinter/tuning/*.jsonl | grep -v '^{"format":1,.*,"sum":"[0-9a-f]\{16\}"}$'; then
  echo "these lines are no tuning records" >&2
  exit 1
fi

uses_shared() { LD_LIBRARY_PATH=$2 ldd "$1" | grep -q 'libsinter\.so'; }

read -r -a flags <<<"$(pkg-config --cflags sinter-onnx)"
read -r -a shared <<<"$(pkg-config --libs sinter-onnx)"
gcc -std=c11 -Wall -Wextra -Werror "${flags[@]}" "$source/main.c" -o "$work/shared" "${shared[@]}" -lm
uses_shared "$work/shared" "$libdir"
LD_LIBRARY_PATH=$libdir "$work/shared" "$model"
echo "install: pkg-config, shared: works"

# Beside a shared library the linker would never take the static one. The copy also shows that an
# installed tree may be moved.
cp -a "$prefix" "$work/moved"
find "$work/moved" -name '*.so*' -delete
moved=$(dirname "$(find "$work/moved" -name libsinter.a)")
read -r -a flags <<<"$(PKG_CONFIG_PATH=$moved/pkgconfig pkg-config --cflags sinter-onnx)"
read -r -a static <<<"$(PKG_CONFIG_PATH=$moved/pkgconfig pkg-config --static --libs sinter-onnx)"
gcc -std=c11 -Wall -Wextra -Werror "${flags[@]}" "$source/main.c" -o "$work/static" "${static[@]}" -lm
if uses_shared "$work/static" "$libdir"; then
  echo "the static program needs libsinter.so" >&2
  exit 1
fi
"$work/static" "$model"
echo "install: pkg-config, static: works"

g++ -std=c++17 -Wall -Wextra -Werror "${flags[@]}" "$source/main.cpp" -o "$work/cpp" "${shared[@]}"
LD_LIBRARY_PATH=$libdir "$work/cpp"
echo "install: C++ with pkg-config: works"

cmake -G Ninja -S "$source" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" >"$work/cmake.log"
cmake --build "$work/build" >>"$work/cmake.log"
"$work/build/outside-shared" "$model"
"$work/build/outside-static" "$model"
if uses_shared "$work/build/outside-static" "$libdir"; then
  echo "the static CMake program needs libsinter.so" >&2
  exit 1
fi
echo "install: find_package(sinter), shared and static: works"

# A component that does not exist is refused by name, and an optional one is only said to be missing.
mkdir -p "$work/parts"
cat >"$work/parts/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(parts LANGUAGES C)
find_package(sinter OPTIONAL_COMPONENTS tensorboard)
if(NOT sinter_FOUND OR sinter_tensorboard_FOUND)
  message(FATAL_ERROR "an optional component counts")
endif()
find_package(sinter QUIET COMPONENTS onnx tensorboard)
if(sinter_FOUND OR NOT sinter_NOT_FOUND_MESSAGE MATCHES "'tensorboard'.*onnx_static")
  message(FATAL_ERROR "an unknown component is found: ${sinter_NOT_FOUND_MESSAGE}")
endif()
CMAKE
cmake -G Ninja -S "$work/parts" -B "$work/parts/build" -DCMAKE_PREFIX_PATH="$prefix" >"$work/cmake.log" 2>&1 || {
  cat "$work/cmake.log" >&2
  exit 1
}
echo "install: components by name"

# Shared linking asks for no other package: neither flags nor their .pc files.
for name in sinter sinter-onnx; do
  PKG_CONFIG_LIBDIR=$libdir/pkgconfig PKG_CONFIG_PATH='' pkg-config --cflags "$name" >/dev/null
  if PKG_CONFIG_LIBDIR=$libdir/pkgconfig PKG_CONFIG_PATH='' pkg-config --libs "$name" | grep -E 'OpenCL|xxhash|protobuf'; then
    echo "pkg-config --libs $name names what only static linking needs" >&2
    exit 1
  fi
done

# A project that adds this one has its names, and neither its program nor its tests.
mkdir -p "$work/added"
cat >"$work/added/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.25)
project(added LANGUAGES C)
add_subdirectory($PWD sinter)
foreach(name sinter sinter_static onnx onnx_static)
  if(NOT TARGET sinter::\${name})
    message(FATAL_ERROR "there is no sinter::\${name}")
  endif()
endforeach()
if(TARGET sinter-cli OR TARGET test_plan)
  message(FATAL_ERROR "the program or the tests are built in a project that adds this one")
endif()
CMAKE
cmake -G Ninja -S "$work/added" -B "$work/added/build" >"$work/cmake.log" 2>&1 || {
  cat "$work/cmake.log" >&2
  exit 1
}
echo "install: add_subdirectory gives the same names"

documents=$(dirname "$(find "$prefix/share" -name LICENSE)")
for file in "$documents/examples/custom.c" "$documents/README.md" "$documents/CHANGELOG.md" \
  "$prefix/share/man/man1/sinter.1" "$prefix/share/man/man3/sinter.3" "$prefix/share/sinter/cl/common/math.cl"; do
  [ -f "$file" ] || {
    echo "$file is not installed" >&2
    exit 1
  }
done

# What a program sees of the shared library is the public interface and nothing else.
if nm -D --defined-only "$libdir/libsinter.so" "$libdir/libsinter-onnx.so" |
  awk 'NF == 3 && $3 !~ /^sinter_/ { print "exported: " $3; bad = 1 } END { exit !bad }'; then
  exit 1
fi
if ldd "$prefix/bin/sinter" | grep -i blas; then
  echo "the program needs a BLAS to start" >&2
  exit 1
fi
LD_LIBRARY_PATH=$libdir "$prefix"/bin/sinter devices >/dev/null
echo "install: exports only sinter_*, and the program runs"
