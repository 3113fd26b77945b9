#!/bin/sh
# run: the end-to-end tests, file by file, against build/release/binnacle: `run.sh [NAME…]`.
#
# One file after the other, because some of them measure. Logs in tests/e2e/report/NAME.log, or under
# $REPORT; the last line is the sum. T=name on `make e2e` runs the files whose name contains it.
set -u
cd "$(dirname "$0")" || exit 2
report=${REPORT:-report}
mkdir -p "$report"
order='http ws live people ui ui_look ui_bad hostile outside life'

files() {
    for name in $order; do
        [ ! -f "$name.test.mjs" ] || echo "$name"
    done
    for file in *.test.mjs; do
        name=${file%.test.mjs}
        case " $order " in *" $name "*) ;; *) echo "$name" ;; esac
    done
}

wanted() {
    [ $# -gt 1 ] || return 0
    name=$1
    shift
    for part in "$@"; do
        case $name in *"$part"*) return 0 ;; esac
    done
    return 1
}

passed=0
failed=0
for name in $(files); do
    wanted "$name" "$@" || continue
    log=$report/$name.log
    start=$(date +%s)
    node --test --test-reporter=spec "$name.test.mjs" >"$log" 2>&1 </dev/null
    code=$?
    p=$(sed -n 's/^ℹ pass \([0-9]*\)$/\1/p' "$log" | tail -n 1)
    f=$(sed -n 's/^ℹ fail \([0-9]*\)$/\1/p' "$log" | tail -n 1)
    p=${p:-0}
    f=${f:-1}
    [ "$code" -eq 0 ] || [ "$f" -gt 0 ] || f=1
    passed=$((passed + p))
    failed=$((failed + f))
    grep -E '^ *ℹ measured' "$log"
    if [ "$f" -gt 0 ]; then
        sed -n '/failing tests:/,$p' "$log" | head -n 200
        [ "$p" -gt 0 ] || tail -n 40 "$log"
    fi
    printf '%-8s %5d passed %4d failed %5d s\n' "$name" "$p" "$f" $(($(date +%s) - start))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
