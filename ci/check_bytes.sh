#!/bin/bash
# Counts what the kernels of rows really load from and store to global memory: tests/plan/test_bytes.c under Oclgrind. A row
# that fits on chip is read once on a GPU, a longer one at most twice, and everything is written once.
# usage: check_bytes.sh [BUILD_DIR]
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
build=${1:-build/dev}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SINTER_CACHE_DIR=$work/cache
unset OCL_ICD_VENDORS

if ! timeout 600 oclgrind --inst-counts --build-options -cl-opt-disable "$build/tests/test_bytes" >"$work/log" 2>&1; then
  tail -n 20 "$work/log"
  exit 1
fi

python3 - "$work/log" <<'PYTHON'
import re, sys

SIZES = {"c": 1, "h": 1, "s": 2, "t": 2, "Dh": 2, "i": 4, "j": 4, "f": 4, "l": 8, "m": 8, "d": 8}
# Of an OpenCL built-in with a mangled name: loads and stores of vectors in global memory (address space 1).
CALL = re.compile(r"(\d+) - call _Z\d+v(load|store)(a?_half)?(\d*)(?:_rt[enpz])?(?:Dv\d+_)?\w*?PU3AS1K?(Dh|[chstijflmd])\(\)")
PLAIN = re.compile(r"\d+ - (load|store) global \((\d+) bytes\)")

cases, seen = [], {}
for line in open(sys.argv[1], encoding="utf-8", errors="replace"):
    if line.startswith("EXPECT "):
        name, numbers = line[len("EXPECT "):].rsplit(": ", 1)
        seen = {"load": 0, "store": 0}
        cases.append((name, [int(n) for n in numbers.split()], seen))
    elif cases and PLAIN.search(line):
        kind, count = PLAIN.search(line).groups()
        seen[kind] += int(count)
    elif cases and CALL.search(line):
        count, kind, _, lanes, letter = CALL.search(line).groups()
        seen[kind] += int(count) * int(lanes or 1) * SIZES[letter]

failed = not cases
print("%-32s %9s %7s %7s" % ("rows", "launches", "reads", "writes"))
for name, (launches, size, out, extra, most, most_out), seen in cases:
    reads, writes = (seen["load"] - extra) / size, seen["store"] / out
    # A kernel that splits a row over work-groups also passes a few numbers of each part on.
    good = reads <= most * 1.02 and 1 <= writes <= most_out * 1.02 and reads >= 0.99
    failed = failed or not good
    print("%-32s %9d %7.2f %7.2f%s" % (name, launches, reads, writes, "" if good else "   WRONG: at most %d and %d" % (most, most_out)))
sys.exit(failed)
PYTHON
