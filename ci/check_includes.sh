#!/bin/bash
# Fails on an include against the module order of lib/, and on OpenCL outside of the modules that
# may see it. Prints one line per offence.
# usage: check_includes.sh [ROOT]
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"

ORDER="base sym device kernel memory runtime op graph loop rewrite grad fuse schedule codegen plan tune onnx"
# These include CL/cl.h, or headers that do.
OPENCL="device kernel memory runtime"
# These build on any machine: of the device they may know its capabilities, which are plain data.
PURE="op graph loop rewrite fuse schedule grad"

# shellcheck disable=SC2016 # the dollars are awk's
find lib -name '*.[ch]' | sort | xargs awk -v order="$ORDER" -v opencl="$OPENCL" -v pure="$PURE" '
  function offence(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; ++offences }
  BEGIN {
    count = split(order, names, " ")
    for (i = 1; i <= count; ++i) rank[names[i]] = i
    count = split(opencl, names, " ")
    for (i = 1; i <= count; ++i) sees_opencl[names[i]] = 1
    count = split(pure, names, " ")
    for (i = 1; i <= count; ++i) is_pure[names[i]] = 1
  }
  FNR == 1 {
    split(FILENAME, path, "/")
    module = path[2]
    ++files
    if (!(module in rank)) offence("module \"" module "\" has no place in the order")
  }
  /^[ \t]*#[ \t]*include[ \t]*[<"]/ {
    header = $0
    sub(/^[^<"]*[<"]/, "", header)
    sub(/[>"].*$/, "", header)
    if (header ~ /^CL\// || header == "sinter/opencl.h") {
      if (!(module in sees_opencl)) offence("includes " header)
      includes_cl[substr(FILENAME, 5)] = 1
      next
    }
    if ($0 !~ /"/) next
    # The tables of kernel variants lie beside the kernels.
    if (header ~ /^\.\.\/cl\/[a-z_]+\/[a-z_]+\.inc$/) next
    split(header, parts, "/")
    target = parts[1]
    if (header ~ /\.\./) offence("includes " header ": write it from lib/")
    if (!(target in rank)) {
      # The code that protoc-c generates is named as the file it comes from.
      if (header !~ /\.pb-c\.h$/) offence("includes " header ", which is in no module of lib/")
      next
    }
    if (rank[target] > rank[module])
      offence(module " stands above " target " and must not include " header)
    if ((module in is_pure) && (target in sees_opencl) && header != "device/caps.h" && header != "device/costs.h")
      offence(module " sees no OpenCL and must not include " header)
    from[++edges] = substr(FILENAME, 5)
    line[edges] = FILENAME ":" FNR
    to[edges] = header
  }
  END {
    # A header that includes OpenCL passes it on.
    do {
      changed = 0
      for (i = 1; i <= edges; ++i)
        if ((to[i] in includes_cl) && !(from[i] in includes_cl)) includes_cl[from[i]] = changed = 1
    } while (changed)
    for (i = 1; i <= edges; ++i) {
      split(from[i], parts, "/")
      if ((to[i] in includes_cl) && !(parts[1] in sees_opencl)) {
        printf "%s: gets CL/cl.h through %s\n", line[i], to[i]
        ++offences
      }
    }
    if (!files) { print "no file found"; exit 1 }
    printf "includes: %d files, %d offences\n", files, offences
    exit offences > 0
  }'

# The public headers: only opencl.h may bring OpenCL to a user.
if grep -ln '#include *<CL/' include/sinter/*.h | grep -v '/opencl\.h$'; then
  echo "a public header other than opencl.h includes CL/cl.h"
  exit 1
fi
