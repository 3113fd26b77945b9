#!/bin/sh
# house: what compiler, formatter and clang-tidy cannot check. `house.sh [ROOT]`; a second at most.
#
# Layers and libraries (tools/layers.txt), budgets, banned calls, a test beside every module, a first
# sentence in every header, nothing committed that the build makes, no notes to self, no foreign hosts, a
# page without HTML from strings, and that every feature called done names a test that is there.
set -u
LC_ALL=C
export LC_ALL
tools=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$tools/..}" || exit 2
bad=0

# Every file of ours, not what was built or installed.
ours() {
    find . \( -name .git -o -name build -o -name node_modules -o -name dist -o -name data -o -name corpus \
        -o -name report \) -prune -o -type f "$@" -print | sed 's|^\./||' | sort
}

# complain WHAT LINES: each "file:line:text" of LINES becomes one complaint.
complain() {
    [ -n "$2" ] || return 0
    printf '%s\n' "$2" | sed "s/^\([^:]*:[0-9]*\):.*/\1: $1/"
    bad=1
}

# search PATTERN FILE…: grep -n with names, also for one file, none and binary ones.
search() {
    pattern=$1
    shift
    [ $# -eq 0 ] || grep -nIE -e "$pattern" /dev/null "$@"
}

# --- C ---
# shellcheck disable=SC2046 # file names here hold no spaces: the check of names below
set -- $(ours \( -name '*.c' -o -name '*.h' \) | grep -E '^(src|include|tests)/')
[ $# -eq 0 ] || awk -v layers="$tools/layers.txt" -f "$tools/house.awk" "$@" || bad=1

# --- names ---
complain 'letters, digits, . _ - in a file name' "$(ours | grep -E '[^A-Za-z0-9._/@+-]' | sed 's/$/:1:/')"

# --- what is made is not kept ---
complain '.gitignore names it, so it is made anew and not committed' \
    "$([ ! -e .git ] || git ls-files --cached --ignored --exclude-standard | sed 's/$/:1:/')"

# --- words ---
# shellcheck disable=SC2046
set -- $(ours | grep -E '\.(c|h|awk|sh|ts|tsx|mjs|js|css|html|cmake|txt)$|Makefile$|/run$')
complain 'a note to self: do it, or write an issue' \
    "$(search '(^|[^A-Za-z])(TO''DO|FIX''ME|X''XX|HA''CK)([^A-Za-z]|$)' "$@")"
# shellcheck disable=SC2046
set -- $(ours | grep -vE '^LICENSE$|\.(png|ico|woff2)$')
complain 'the path of one machine' \
    "$(search '(^|[^A-Za-z0-9_.])/(ro''ot|wo''rk/(main|shared|\.)|ho''me/[a-z])' "$@" |
        grep -vE '^tests/(fixtures|unit|replay)/')"
complain 'a package registry has a name at home, not here' \
    "$(search '(registry\.np''mjs|np''mjs\.(org|com)|(deb|security)\.deb''ian\.org|py''pi\.org)' "$@")"

# --- the page ---
# shellcheck disable=SC2046
set -- $(ours | grep -E '^ui/src/.*\.(ts|tsx|js|mjs|css|html)$|^ui/[^/]*\.html$')
complain 'the page makes nodes, never HTML from strings' \
    "$(search '(inner|outer|Inner)HTML|insertAdjacentHTML|document\.write|(^|[^A-Za-z_.])eval *\(|new Function *\(' "$@")"
complain 'the page asks its own server only' \
    "$(search '(https?:)?//[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}' "$@" |
        grep -vE '//www\.w3\.org/|^[^:]*:[0-9]+: *(//|\*|/\*)')"

# --- features ---
if [ -f docs/features.md ]; then
    awk -F ' *[|] *' '
        $2 !~ /^[A-Z][0-9]+[a-z]?$/ { next }
        { rows++; state[$4]++ }
        $2 in had { print "docs/features.md:" NR ": " $2 " stands twice"; bad = 1 }
        { had[$2] = 1 }
        $4 != "open" && $4 != "part" && $4 != "done" {
            print "docs/features.md:" NR ": " $2 ": open, part or done, not " $4; bad = 1
        }
        $4 == "done" && $5 !~ /(tests|tools|ui\/test)\// {
            print "docs/features.md:" NR ": " $2 " is done: name its test"; bad = 1
        }
        $4 != "open" {
            gsub(/[`,;]/, " ", $5)
            n = split($5, word, " ")
            for (i = 1; i <= n; i++) {
                if (word[i] !~ /^(tests|tools|ui\/test)\//) continue
                file = word[i]; sub(/:.*/, "", file)
                sentence = word[i]; if (!sub(/^[^:]*:/, "", sentence)) sentence = ""
                there = 0; found = sentence == ""
                while ((getline line < file) > 0) { there = 1; if (!found && index(line, sentence)) found = 1 }
                close(file)
                if (!there) { print "docs/features.md:" NR ": no test " file; bad = 1 }
                else if (!found) { print "docs/features.md:" NR ": no \"" sentence "\" in " file; bad = 1 }
            }
        }
        END {
            printf "features: %d rows, %d done, %d in part, %d open\n", rows, state["done"], state["part"], state["open"]
            exit bad
        }' docs/features.md || bad=1
fi

exit "$bad"
