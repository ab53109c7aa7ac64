#!/bin/bash
# The page of `sinter explain --html` in a browser: it opens each page in headless Chromium, lets it try itself (#selftest in
# lib/plan/page/selftest.js), and compares what it saw with what the JSON says.
# usage: check_page.sh [BUILD_DIR [MODEL.onnx | PAGE.html]...]
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
build=${1:-build/dev}
shift
files=("$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

wrong() {
  echo "page: $*"
  failed=1
}

# The graph of a large model beside weights that are zeros.
large() { # NAME BYTES
  mkdir "$work/$1"
  ln -s "$PWD/tests/data/models_large/$1.onnx" "$work/$1/model.onnx"
  truncate -s "$2" "$work/$1/weights.bin"
  files+=("$work/$1/model.onnx")
}

if [ "${#files[@]}" -eq 0 ]; then
  large gpt2_124m 497273856
  large resnet50 102023936
  files+=("$work/names.html")
  # A graph whose names are scripts.
  SINTER_TEST_PAGE=$work/names.html "$build/tests/test_explain" >"$work/test.log" 2>&1 || wrong "$(cat "$work/test.log")"
fi

# Says "OK ..." or what is wrong with what a page reported.
judge() { # REPORT
  python3 - "$1" <<'PYTHON'
import json, re, sys

seen = json.load(open(sys.argv[1]))
totals, views, launches = seen["totals"], seen["views"], seen["launches"]
wrong = ["script error: " + e for e in seen["errors"]]
if seen["foreign"] or seen["scripts"] != 2:
    wrong.append("%d foreign elements, %d scripts" % (seen["foreign"], seen["scripts"]))
for name in ("given", "before", "after"):
    view = views[name]
    if not (view["boxes"] == view["drawn"] > 0 and view["edges"] > 0 and view["finite"]) or view["overlaps"]:
        wrong.append("%s: %s" % (name, view))
    if view["ms"] > 5000:
        wrong.append("%s took %d ms" % (name, view["ms"]))
if views["given"]["boxes"] < totals["operators"]:
    wrong.append("%d operators, but only %d boxes" % (totals["operators"], views["given"]["boxes"]))
if len(launches) != totals["launches"] or not all(launches):
    wrong.append("%d launches, %d clicked" % (totals["launches"], len(launches)))

def number(text, unit):
    return int(re.search(r"(\d+) %s\b" % unit, text).group(1))

if sum(number(l["bytes"], "B") for l in launches) != totals["bytes"]:
    wrong.append("the launches' bytes are not %d together" % totals["bytes"])
if sum(number(l["time"], "ns") for l in launches) != totals["time_ns"]:
    wrong.append("the launches' times are not %d ns together" % totals["time_ns"])
if not all((l["source"] > 0 or l["kind"] != "launch") and l["operators"] > 0 for l in launches):
    wrong.append("a launch without a kernel or operators")
if not (seen["closed"]["after"] < seen["closed"]["before"] or all(l["operators"] == 1 for l in launches)) or not seen["found"]:
    wrong.append("closing or searching: %s, %d found" % (seen["closed"], seen["found"]))
print("; ".join(wrong) if wrong else "OK %d, %d and %d boxes in %d, %d and %d ms, %d launches clicked" % (
    *(views[v]["boxes"] for v in ("given", "before", "after")), *(views[v]["ms"] for v in ("given", "before", "after")),
    len(launches)))
PYTHON
}

for file in "${files[@]}"; do
  page=$file
  if [ "${file%.html}" = "$file" ]; then
    page=$work/page.html
    "$build/tools/sinter" explain "$file" --html "$page" || wrong "no page of $file"
  fi
  timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$work/browser" \
    --virtual-time-budget=20000 --dump-dom "file://$(realpath "$page")#selftest" >"$work/dom" 2>"$work/log"
  grep -o '<pre id="selftest">.*</pre>' "$work/dom" |
    python3 -c 'import html, re, sys; print(html.unescape(re.sub("<[^>]*>", "", sys.stdin.read())))' >"$work/report"
  if [ ! -s "$work/report" ] || [ "$(head -c 1 "$work/report")" != "{" ]; then
    wrong "$file: the page said nothing: $(tail -n 3 "$work/log")"
    continue
  fi
  line=$(judge "$work/report")
  echo "page of $file: $line"
  if [ "${line%% *}" != OK ]; then failed=1; fi
done
exit "$failed"
