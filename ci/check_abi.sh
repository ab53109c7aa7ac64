#!/bin/bash
# Compares the public interface with what the last release had (ci/abi.txt): symbols of the shared libraries, sizes and fields
# of public structs with their places. What is gone or has moved fails; what is new is counted.
# usage: check_abi.sh [BUILD_DIR]              compare
#        check_abi.sh --record [BUILD_DIR]     write the list anew, for a release
#        check_abi.sh --self-test [BUILD_DIR]  shows that a lost field and a lost symbol are found
set -euo pipefail
cd "$(dirname "$0")/.."
mode=compare
case ${1:-} in --record | --self-test)
  mode=${1#--}
  shift
  ;;
esac
build=${1:-build/dev}
recorded=ci/abi.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Fields of the structs in the headers of a directory: "struct field" a line.
fields() {
  cat "$1"/sinter/*.h | perl -0777 -ne '
    s{/\*.*?\*/}{}gs; s{//[^\n]*}{}g; s{^\s*#(?:[^\n]*\\\n)*[^\n]*$}{}gm;
    while (/typedef struct (\w+)\s*\{(.*?)\}\s*\1\s*;/gs) {
      my ($struct, $body) = ($1, $2);
      for my $declaration (split /;/, $body) {
        next unless $declaration =~ /\S/;
        if ($declaration =~ /\(\s*\*\s*(\w+)\s*\)\s*\(/) { print "$struct $1\n"; next; }
        for my $name (split /,/, $declaration) {
          print "$struct $1\n" if $name =~ /(\w+)\s*(?:\[[^\]]*\]\s*)*$/;
        }
      }
    }'
}

# "struct NAME BYTES" and "field NAME.FIELD OFFSET BYTES", from a program that the compiler lays out.
layout() { # INCLUDE_DIR
  local header
  {
    for header in "$1"/sinter/*.h; do
      case $header in */opencl.h) continue ;; esac
      echo "#include <sinter/$(basename "$header")>"
    done
    printf '#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n'
    fields "$1" | awk '
      !($1 in seen) { seen[$1] = 1; printf "printf(\"struct %s %%zu\\n\", sizeof(%s));\n", $1, $1 }
      { printf "printf(\"field %s.%s %%zu %%zu\\n\", offsetof(%s, %s), sizeof(((%s *)0)->%s));\n", $1, $2, $1, $2, $1, $2 }'
    echo 'return 0; }'
  } >"$work/layout.c"
  gcc -std=c11 -I "$1" -I "$build/generated/include" "$work/layout.c" -o "$work/layout"
  "$work/layout"
}

symbols() {
  nm -D --defined-only "$build/libsinter.so" "$build/libsinter-onnx.so" | awk 'NF == 3 { print "symbol " $3 }'
}

# Struct sizes may grow where a struct only ever comes from the library or says its own size; fields never move.
compare() { # CURRENT
  local lost
  lost=$(awk '
    NR == FNR { now[$1 " " $2] = $0; next }
    /^#/ || NF == 0 { next }
    !(($1 " " $2) in now) { print "gone: " $0; next }
    $1 == "struct" { split(now[$1 " " $2], n, " "); if (n[3] < $3) print "smaller: " $0 ", now " n[3]; next }
    now[$1 " " $2] != $0 { print "moved: " $0 ", now " now[$1 " " $2] }' "$1" "$recorded")
  if [ -n "$lost" ]; then
    echo "$lost"
    return 1
  fi
}

{
  layout include
  symbols
} | LC_ALL=C sort -u >"$work/current"

if [ "$mode" = record ]; then
  {
    echo "# The public interface of the last release, x86-64: written by ci/check_abi.sh --record."
    cat "$work/current"
  } >"$recorded"
  echo "abi: $(wc -l <"$work/current") lines recorded"
  exit
fi

if [ "$mode" = self-test ]; then
  cp -r include "$work/include"
  sed -i '/uint64_t kernels_cached;/d' "$work/include/sinter/runtime.h"
  { layout "$work/include" && symbols; } | LC_ALL=C sort -u >"$work/damaged"
  compare "$work/damaged" >"$work/report" && { echo "a field that is gone is not found" >&2; exit 1; }
  grep -q '^gone: field sinter_runtime_stats.kernels_cached' "$work/report"
  grep -q '^moved: field sinter_runtime_stats.bytes_in_use' "$work/report"
  grep -v '^symbol sinter_plan_run$' "$work/current" >"$work/damaged"
  compare "$work/damaged" >"$work/report" && { echo "a symbol that is gone is not found" >&2; exit 1; }
  grep -q '^gone: symbol sinter_plan_run$' "$work/report"
  echo "abi: a field and a symbol that are gone are found"
  exit
fi

compare "$work/current" || {
  echo "the interface lost what a program may use: see CONTRIBUTING.md" >&2
  exit 1
}
echo "abi: all of $(grep -vc '^#' "$recorded") lines hold, $(wc -l <"$work/current") now"
