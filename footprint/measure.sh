#!/bin/bash
# Builds the images, which proves that no panic is reachable in them, and prints what they take.
# Fails where a panic is reachable or an image has outgrown its bound.
# Needs a target (rustup target add thumbv7em-none-eabihf) and readelf (binutils).
set -euo pipefail
cd "$(dirname "$0")"

target=${1:-thumbv7em-none-eabihf}
# Bytes of flash that may be taken on thumbv7em: a little more than is.
core_most=34000
node_most=73000

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

echo
echo "The largest functions of the whole node, with what is inlined into them:"
symbols "$out/release/node" FUNC | sort -rn | head -20 | { c++filt 2>/dev/null || cat; } | cut -c 1-110

if [ "$target" = thumbv7em-none-eabihf ] && { [ "$core" -gt $core_most ] || [ "$node" -gt $node_most ]; }; then
    echo "An image has outgrown its bound: $core of $core_most, $node of $node_most bytes." >&2
    exit 1
fi
