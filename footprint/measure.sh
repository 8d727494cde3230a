#!/bin/bash
# Builds the images, which proves that no panic is reachable in them, and prints what they take.
# Fails where a panic is reachable, an image has outgrown its bound, or a call the stack that is stated.
# Needs a target (rustup target add thumbv7em-none-eabihf), readelf (binutils) and, for the stack,
# llvm-objdump (rustup component add llvm-tools).
set -euo pipefail
cd "$(dirname "$0")"

target=${1:-thumbv7em-none-eabihf}
# Bytes of flash that may be taken on thumbv7em: what the library's README states.
stated() { sed -n "s/^| $1 | \([0-9,]*\) |\$/\1/p" ../raft-nostd/README.md | tr -d ,; }
core_most=$(stated 'elections, replication, reads, snapshots, codec, CRC')
node_most=$(stated 'all of it, with journal, vault and `Driver`')

out=${CARGO_TARGET_DIR:-target}/$target
build() { cargo build --quiet --target "$target" "$@"; }

# Flash of an image: its sections with contents.
flash() {
    readelf -SW "$1" | sed 's/\[ *\([0-9]*\)\]/\1/' |
        while read -r _ name type _ _ size _; do
            case "$type $name" in
                "PROGBITS .text" | "PROGBITS .rodata" | "PROGBITS .data" | "PROGBITS .vectors")
                    echo $((16#$size)) ;;
            esac
        done | awk '{ sum += $1 } END { print sum + 0 }'
}
symbols() { readelf -sW "$1" | awk -v kind="$2" '$4 == kind && $3 > 0 { print $3, $8 }'; }

for profile in release fast; do
    build --profile $profile
    echo "$target, $profile: no panic is reachable."
done
if errors=$(build --profile release --features broken 2>&1); then
    echo "A reachable panic links: the proof is worth nothing." >&2
    exit 1
elif ! grep -q a_panic_is_reachable <<<"$errors"; then
    echo "$errors" >&2
    exit 1
fi

echo
echo "Flash in bytes, without the start of the image:"
printf '%-52s %8s %8s\n' '' 'size' 'speed'
empty=$(flash "$out/release/empty")
for image in core journal node; do
    case $image in
        core) what='elections, replication, reads, snapshots, codec, CRC' ;;
        journal) what='journal, log, CRC' ;;
        node) what='all of it, snapshots and driver included' ;;
    esac
    size=$(($(flash "$out/release/$image") - empty))
    speed=$(($(flash "$out/fast/$image") - $(flash "$out/fast/empty")))
    printf '%-52s %8d %8d\n' "$what" $size $speed
    declare "$image=$size"
done

echo
echo "RAM in bytes, three voters, a log of 64 commands of 64 bytes:"
sizes=$(symbols "$out/release/sizes" OBJECT)
size() { awk -v name="SIZE_$1" '$2 == name { print $1 }' <<<"$sizes"; }
log=$(size LOG)
printf '%-52s %8d\n' 'the log: table, frames, one longest frame' "$log"
printf '%-52s %8d\n' 'the node' "$(size RAFT)"
printf '%-52s %8d\n' 'the journal' "$(size WRITER)"
printf '%-52s %8d\n' 'all of it, with the driver' "$(size DRIVER_WITH_LOG)"

# The most stack of each call, with three voters and with seven, as the machine code has it; at most what
# the library's README states. (What becomes of a Cortex-M0's stack pointer is not understood.)
stack() {
    local objdump=$1 tool=$out/stack readme=../raft-nostd/README.md
    rustc --edition 2024 --test stack.rs -o "$tool"
    "$tool" --quiet >/dev/null
    rustc --edition 2024 stack.rs -o "$tool"
    "$tool" "$objdump" "$out/release/calls" >"$out/stack.txt"
    printf '%-52s %8s %8s\n' '' '3 voters' '7 voters'
    awk '
        FNR == NR { if ($1 == "|" && split($0, cell, "|") == 5) { gsub(/[`, ]/, ""); split($0, cell, "|")
                    stated[cell[2], 3] = cell[3]; stated[cell[2], 7] = cell[4] } next }
        { taken[$2, $3] = $1 }
        $3 == 7 { printf "%-52s %8d %8d\n", $2, taken[$2, 3], $1
                  for (n = 3; n <= 7; n += 4) if (taken[$2, n] > stated[$2, n] + 0) {
                      printf "%s with %d voters: %d bytes are stated\n", $2, n, stated[$2, n]; bad = 1 } }
        END { exit bad }' "$readme" "$out/stack.txt"
}
if [[ $target == thumbv7em-* ]]; then
    echo
    echo "Stack in bytes of each call and all it calls, without interrupts:"
    tools=("$(rustc --print sysroot)"/lib/rustlib/*/bin/llvm-objdump)
    if objdump=$(command -v "${tools[0]}" || command -v llvm-objdump); then
        stack "$objdump"
    else
        echo "not looked at: there is no llvm-objdump"
    fi
fi

echo
echo "The largest functions of the whole node, with what is inlined into them:"
symbols "$out/release/node" FUNC | sort -rn | head -20 | { c++filt 2>/dev/null || cat; } | cut -c 1-110

if [ "$target" = thumbv7em-none-eabihf ] && { [ "$core" -gt $core_most ] || [ "$node" -gt $node_most ]; }; then
    echo "An image has outgrown its bound: $core of $core_most, $node of $node_most bytes." >&2
    exit 1
fi
