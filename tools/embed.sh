#!/bin/sh
# embed: the files of a folder as one assembler file and one table, compressed where that is smaller.
#
#   embed.sh FROM OUTDIR ASSETS.S
#
# .incbin because it costs nothing: measured for 2 MB, 0.02 s to compile against 2.3 s as a byte array.
# The table is struct bn_asset of src/web/asset_table.h. Source maps stay outside. Without gzip or
# brotli that variant is left out and the server sends the plain file.
set -eu
LC_ALL=C
export LC_ALL

fail() { echo "embed.sh: $*" >&2; exit 1; }
[ $# -eq 3 ] || fail "usage: embed.sh FROM OUTDIR ASSETS.S"
[ -d "$1" ] || fail "no folder $1"
rm -rf "$2"
mkdir -p "$2" "$(dirname "$3")"
from=$(cd "$1" && pwd)
out=$(cd "$2" && pwd)
case "$from$out" in *[\"\\]*) fail "a quote or backslash in the folder name cannot be written in .incbin" ;; esac

type_of() {
    case "$1" in
    *.html) echo 'text/html; charset=utf-8' ;;
    *.js | *.mjs) echo 'text/javascript; charset=utf-8' ;;
    *.css) echo 'text/css; charset=utf-8' ;;
    *.txt) echo 'text/plain; charset=utf-8' ;;
    *.svg) echo 'image/svg+xml' ;;
    *.png) echo 'image/png' ;;
    *.ico) echo 'image/x-icon' ;;
    *.woff2) echo 'font/woff2' ;;
    *.json) echo 'application/json' ;;
    *.webmanifest) echo 'application/manifest+json' ;;
    *) fail "no content type for $1; add one to tools/embed.sh" ;;
    esac
}

# A name such as main-4TQ2ZB7K.js changes whenever its bytes do, so it may be cached for a year.
is_hashed() {
    echo "$1" | grep -Eq -- '-[0-9A-Z]{8}\.[a-z0-9]+$'
}

size_of() { wc -c <"$1" | tr -d ' '; }

# blob LABEL FILE: the bytes and, after them, their length as an assembler constant.
blob() {
    printf '%s: .incbin "%s"\n.set %s_len, . - %s\n' "$1" "$2" "$1" "$1"
}

# variant LABEL FILE PLAIN: as blob when the file is smaller than the plain one; else it is deleted
# and the label is nothing.
variant() {
    if [ -s "$2" ] && [ "$(size_of "$2")" -lt "$(size_of "$3")" ]; then
        blob "$1" "$2"
    else
        rm -f "$2"
        printf '.set %s, 0\n.set %s_len, 0\n' "$1" "$1"
    fi
}

n=0
rows="$out/.rows"
temp="$out/.assets.S"
: >"$rows"
{
    echo '/* Written by tools/embed.sh. */'
    echo '.section .rodata,"a",%progbits'
} >"$temp"
(cd "$from" && find . -type f ! -name '*.map' | sort) >"$out/.files"
while IFS= read -r file; do
    name=${file#./}
    case "$name" in *[!A-Za-z0-9._/-]*) fail "a name may hold letters, digits, . _ - only: $name" ;; esac
    type=$(type_of "$name")
    immutable=0
    if is_hashed "$name"; then immutable=1; fi
    packed="$out/$name"
    mkdir -p "$(dirname "$packed")"
    ! command -v gzip >/dev/null || gzip -9 -n -c "$from/$name" >"$packed.gz"
    ! command -v brotli >/dev/null || brotli -q 11 -c "$from/$name" >"$packed.br"
    etag=$(sha256sum "$from/$name" | cut -c 1-32)
    {
        blob "plain_$n" "$from/$name"
        variant "gzip_$n" "$packed.gz" "$from/$name"
        variant "br_$n" "$packed.br" "$from/$name"
        printf 'path_%d: .asciz "/%s"\ntype_%d: .asciz "%s"\netag_%d: .asciz "\\"%s\\""\n' \
            "$n" "$name" "$n" "$type" "$n" "$etag"
    } >>"$temp"
    printf '.quad path_%d, type_%d, etag_%d, plain_%d, plain_%d_len, gzip_%d, gzip_%d_len, br_%d, br_%d_len, %d\n' \
        "$n" "$n" "$n" "$n" "$n" "$n" "$n" "$n" "$n" "$immutable" >>"$rows"
    n=$((n + 1))
done <"$out/.files"

{
    # The table holds addresses: relocated once at start, read-only ever after.
    printf '.section .data.rel.ro,"aw",%%progbits\n.balign 8\n'
    printf '.globl bn_assets\n.hidden bn_assets\n.type bn_assets, %%object\nbn_assets:\n'
    cat "$rows"
    printf '.size bn_assets, . - bn_assets\n.section .rodata\n.balign 8\n'
    printf '.globl bn_asset_count\n.hidden bn_asset_count\n.type bn_asset_count, %%object\n'
    printf 'bn_asset_count: .quad %d\n.size bn_asset_count, 8\n' "$n"
    # Data alone, so it must not be the object that turns CET off for the whole program.
    printf '#ifdef __x86_64__\n.section .note.gnu.property,"a"\n.balign 8\n.long 4, 16, 5\n'
    printf '.asciz "GNU"\n.long 0xc0000002, 4, 3, 0\n#endif\n'
    printf '.section .note.GNU-stack,"",%%progbits\n'
} >>"$temp"
rm -f "$rows" "$out/.files"
mv "$temp" "$3"
