#!/bin/sh
# run: the end-to-end tests, file by file, against build/release/binnacle: `run.sh [NAME…]`.
#
# Files that measure run alone, one after the other; then the others, three at a time, because they wait for
# a browser, a simulated server or a time limit: one takes a third of a processor ($LANES: how many). What failed runs once more, alone and
# last, and then counts: a machine that stood still for seconds is no defect of ours. Its first failures
# stay in NAME.first and are printed; more than four such files are no accident, and none runs again.
# A file has a quarter of an hour; the longest takes three minutes.
# Logs in tests/e2e/report/NAME.log, or under $REPORT; the last line is the sum. T=name on `make e2e` runs
# the files whose name contains it.
set -u
cd "$(dirname "$0")" || exit 2
report=${REPORT:-report}
mkdir -p "$report"
alone='dispatch_many http live live_load live_words hostile life import import_corpus outside ui ui_vms ui_weight'

# run.sh --one NAME: one file, with its figures and what failed in NAME.said.
if [ "${1:-}" = --one ]; then
    name=$2
    log=$report/$name.log
    start=$(date +%s)
    timeout -k 10 900 node --test --test-reporter=spec "$name.test.mjs" >"$log" 2>&1 </dev/null
    code=$?
    p=$(sed -n 's/^ℹ pass \([0-9]*\)$/\1/p' "$log" | tail -n 1)
    f=$(sed -n 's/^ℹ fail \([0-9]*\)$/\1/p' "$log" | tail -n 1)
    p=${p:-0}
    f=${f:-1}
    [ "$code" -eq 0 ] || [ "$f" -gt 0 ] || f=1
    {
        grep -E '^ *ℹ measured' "$log"
        if [ "$f" -gt 0 ]; then
            sed -n '/failing tests:/,$p' "$log" | head -n 200
            [ "$p" -gt 0 ] || tail -n 40 "$log"
        fi
        printf '%-13s %5d passed %4d failed %5d s\n' "$name" "$p" "$f" $(($(date +%s) - start))
    } >"$report/$name.said"
    cat "$report/$name.said"
    exit 0
fi

wanted() {
    [ $# -gt 1 ] || return 0
    name=$1
    shift
    for part in "$@"; do
        case $name in *"$part"*) return 0 ;; esac
    done
    return 1
}

# files alone|together: the names of that kind which are wanted, the long files first: a lane that ends
# with one ends late.
files() {
    kind=$1
    shift
    # shellcheck disable=SC2012 # names without spaces
    ls -S ./*.test.mjs | while read -r file; do
        name=$(basename "$file" .test.mjs)
        is=together
        case " $alone " in *" $name "*) is=alone ;; esac
        [ "$is" = "$kind" ] && wanted "$name" "$@" && echo "$name"
    done
}

# again: the files that failed, once more, unless they are many.
again() {
    failed=$(grep -lE ' passed +[0-9]+ failed' "$report"/*.said | xargs grep -LE ' passed +0 failed')
    [ -n "$failed" ] && [ "$(echo "$failed" | wc -l)" -le 4 ] || return 0
    for said in $failed; do
        name=$(basename "$said" .said)
        mv "$said" "$report/$name.first"
        echo "again: $name, of which the first run failed"
        sh run.sh --one "$name"
    done
}

rm -f "$report"/*.said "$report"/*.first
files alone "$@" | xargs -I NAME sh run.sh --one NAME
files together "$@" | xargs -P "${LANES:-3}" -I NAME sh run.sh --one NAME
[ "${AGAIN:-1}" = 0 ] || again
cat "$report"/*.said 2>/dev/null | awk '
    / passed +[0-9]+ failed +[0-9]+ s$/ { passed += $2; failed += $4; files++ }
    END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || !passed }'
