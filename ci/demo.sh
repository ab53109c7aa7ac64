#!/bin/bash
# The main job, as the first command on a fresh Debian 12, as root: installs packages, builds, and
# reads ten scanned digits with a model that another program exported. Without root it names the
# packages that are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/packages.sh
. ci/packages.sh
install_packages "${SINTER_BUILD_PACKAGES[@]}" "${SINTER_RUN_PACKAGES[@]}"

echo "Building"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { cmake --preset release -DSINTER_TESTS=OFF &&
  cmake --build --preset release --target sinter-cli --parallel "$(nproc)"; } >"$log" 2>&1; then
  tail -n 60 "$log"
  exit 1
fi
sinter=build/release/tools/sinter
model=tests/data/digits/model.onnx

echo "Reading ten scans with $model"
right=0
digits=()
for digit in 0 1 2 3 4 5 6 7 8 9; do
  read -r seen _ < <("$sinter" run "$model" --input "image=tests/data/digits/scan-$digit.pgm" --top 1 |
    grep -E '^[0-9]+ ')
  digits+=("${seen:-?}")
  if [ "${seen:-}" = "$digit" ]; then right=$((right + 1)); fi
done
echo "digits: ${digits[*]}"
echo "right: $right of 10"

stats=$("$sinter" run "$model" --input image=tests/data/digits/scan-0.pgm --stats)
value() { sed -n "s/^$1: *//p" <<<"$stats" | head -n 1; }
fused=$(value bytes_moved)
unfused=$(value bytes_moved_unfused)
echo "device: $(value device)"
echo "operators: $(value operators)"
echo "launches: $(value launches)"
echo "bytes moved: $fused fused, $unfused unfused, $((unfused - fused)) saved ($((100 * (unfused - fused) / unfused)) %)"
if [ "$right" -ne 10 ]; then exit 1; fi
