#!/bin/sh
# map: the modules and their first sentences, as ARCHITECTURE.md shows them.
#
# `map.sh` compares, `map.sh --write` updates the part between the two markers, `map.sh --print` prints.
set -eu
LC_ALL=C
export LC_ALL
cd "$(dirname "$0")/.."
page=ARCHITECTURE.md

# Folders in the order of tools/layers.txt, from the ground up.
map() {
    echo '```'
    # shellcheck disable=SC2013 # one word per line
    for folder in $(sed -n 's/^\([a-z]*\):.*/\1/p' tools/layers.txt); do
        [ -n "$(find "src/$folder" -name '*.h' 2>/dev/null)" ] || continue
        echo "src/$folder/"
        for header in src/"$folder"/*.h; do
            awk 'NR == 2 { sub(/^ \* /, ""); text = $0 }
                NR > 2 && text !~ /\.$/ { sub(/^ \* /, ""); text = text " " $0 }
                text ~ /\.$/ || NR > 5 {
                    colon = index(text, ": ")
                    sub(/\.$/, "", text)
                    printf "  %-14s %s\n", substr(text, 1, colon - 1), substr(text, colon + 2)
                    exit
                }' "$header"
        done
    done
    echo '```'
}

if [ "${1:-}" = --print ]; then
    map
    exit
fi
fresh=$(mktemp)
trap 'rm -f "$fresh" "$fresh.map"' EXIT
map >"$fresh.map"
awk -v map="$fresh.map" '
    /^<!-- map: / { print; while ((getline line < map) > 0) print line; inside = 1; next }
    /^<!-- end of map -->/ { inside = 0 }
    !inside' "$page" >"$fresh"
if [ "${1:-}" = --write ]; then
    cp "$fresh" "$page"
elif ! diff -u "$page" "$fresh"; then
    echo "$page is not what the headers say: sh tools/map.sh --write"
    exit 1
fi
