#!/usr/bin/env bash
# Prints how many instructions each contender executes per entry, in each mode.
#
# Usage: instructions.sh [NAME...]      (contenders; all of them if none is named)
#
# Each contender runs under callgrind at two counts of entries. Only the measured part is counted,
# and the difference of the two totals, divided by the difference of the counts, is printed, so that
# nothing that happens once is in it. The figures do not depend on how busy the machine is.

set -euo pipefail

# Counts of entries, for each mode. Between them the logs are compacted several times.
declare -A few=([one]=2000 [batch]=12800)
declare -A many=([one]=8000 [batch]=64000)
warm_up=1280

fail() {
    echo "instructions.sh: $*" >&2
    exit 1
}

command -v valgrind >/dev/null ||
    fail "valgrind is missing; install it first (Debian: apt-get install valgrind)"

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
cd -- "$here"
cargo build --release --quiet --bin compare # its profile has debug symbols
target=$(cargo metadata --no-deps --format-version 1 |
    sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
compare=$target/release/compare
[[ -x $compare ]] || fail "no binary at $compare"

temporary=$(mktemp -d)
trap 'rm -rf -- "$temporary"' EXIT

# total NAME MODE ENTRIES: the instructions of the measured part of one run.
total() {
    local out=$temporary/callgrind.out log=$temporary/log count
    valgrind --tool=callgrind --toggle-collect=bench_measured --callgrind-out-file="$out" \
        "$compare" --only "$1" --mode "$2" --entries "$3" --rounds 1 --warm-up "$warm_up" \
        >"$log" 2>&1 || { cat -- "$log" >&2; fail "$1 failed under valgrind"; }
    count=$(awk '$1 == "totals:" { print $2 }' "$out")
    ((count > 0)) || fail "callgrind counted nothing: is bench_measured still a function?"
    echo "$count"
}

contenders=$("$compare" --list)
for name in "$@"; do
    grep -q "^$name " <<<"$contenders" || fail "no contender is called $name"
done

printf '%-6s %-12s %18s\n' mode contender instructions/entry
for mode in one batch; do
    while read -r name runs_in; do
        [[ $runs_in == "$mode" ]] || continue
        [[ $# -eq 0 || " $* " == *" $name "* ]] || continue
        low=$(total "$name" "$mode" "${few[$mode]}")
        high=$(total "$name" "$mode" "${many[$mode]}")
        entries=$((many[$mode] - few[$mode]))
        awk -v mode="$mode" -v name="$name" -v spent=$((high - low)) -v entries="$entries" \
            'BEGIN { printf "%-6s %-12s %18.0f\n", mode, name, spent / entries }'
    done <<<"$contenders"
done
