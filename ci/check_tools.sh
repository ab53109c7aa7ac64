#!/bin/bash
# Every program that the scripts of ci/ call comes with a package that ci/packages.sh names, with one that such a package
# needs, or with the smallest Debian there is: what is only there by luck is found here and not on a fresh machine.
# usage: check_tools.sh
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/packages.sh
. ci/packages.sh
command -v dpkg-query >/dev/null || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Packages that are there: essential and required ones, those named, and what they depend on.
printf '%s\n' "${SINTER_BUILD_PACKAGES[@]}" "${SINTER_RUN_PACKAGES[@]}" "${SINTER_TEST_PACKAGES[@]}" |
  sort -u >"$work/named"
dpkg-query -W -f='${Package}\t${Essential}\t${Priority}\t${Provides}\t${Pre-Depends}, ${Depends}\n' >"$work/installed"
awk -F'\t' '
  function names(text, list,   n, i) {
    gsub(/\([^)]*\)|:any|:native| /, "", text)
    n = split(text, list, /[,|]/)
    return n
  }
  NR == FNR { wanted[$1] = 1; next }
  {
    needs[$1] = $5
    n = names($4, list)
    for (i = 1; i <= n; ++i) provider[list[i]] = provider[list[i]] " " $1
    if ($2 == "yes" || $3 == "required") wanted[$1] = 1
  }
  END {
    do {
      grown = 0
      for (p in wanted) {
        if (p in done) continue
        done[p] = grown = 1
        n = names(needs[p] " " provider[p], list)
        for (i = 1; i <= n; ++i) if (list[i] != "" && !(list[i] in wanted)) wanted[list[i]] = 1
        m = split(provider[p], list, " ")
        for (i = 1; i <= m; ++i) wanted[list[i]] = 1
      }
    } while (grown)
    for (p in wanted) print p
  }' "$work/named" "$work/installed" | sort -u >"$work/there"

# Words of the scripts where a command may stand: at the beginning of a command, and behind words that run another one.
# What stands between <<WORD and WORD is another language.
awk '
  end != "" { if ($0 == end) end = ""; next }
  match($0, /<<-?.?[A-Z]+/) { end = substr($0, RSTART, RLENGTH); gsub(/[^A-Z]/, "", end) }
  { print }' ci/*.sh .ci/run |
  sed -E 's/(^|[[:space:]])#.*$//; s/"[^"$]*"/""/g' |
  grep -oE "(^|[;&|(!\`]|&&|\|\||\\$\(|then|do|else|if|while|until|exec|command -v|nice|xargs.* bash -c|timeout [^ ]+( [0-9]+)?|env( [A-Z_]+=[^ ]*)*)[[:space:]]*[a-z][a-z0-9_.+-]*([[:space:]]|;|\)|$)" |
  sed -E 's/([[:space:]]|;|\))$//' | grep -oE '[a-z][a-z0-9_.+-]*$' | sort -u >"$work/words"

bad=0
count=0
while read -r word; do
  if [ "$(type -t "$word")" != file ]; then continue; fi
  path=$(readlink -f "$(type -P "$word")")
  package=$(dpkg-query -S "$path" 2>/dev/null | head -n 1 | cut -d: -f1) || true
  if [ -z "$package" ]; then package=$(dpkg-query -S "${path#/usr}" 2>/dev/null | head -n 1 | cut -d: -f1) || true; fi
  if [ -z "$package" ]; then continue; fi
  count=$((count + 1))
  if ! grep -qxF "$package" "$work/there"; then
    echo "tools: '$word' is in the package $package, which ci/packages.sh does not name"
    bad=1
  fi
done <"$work/words"
echo "tools: $count programs"
[ "$count" -ge 20 ] && [ "$bad" -eq 0 ]
