#!/bin/sh
# run: every bench, one table: `run.sh [NAME…]`; a name filters by what it contains.
#
# Each program prints its own lines; figures are ratios against the raw limit or a peer in the same run,
# because the absolute ones belong to the machine. Exit code 1 when a bar is missed or a bench fails.
set -u
cd "$(dirname "$0")/../.." || exit 2
bad=

wanted() {
    name=$1
    shift
    [ $# -gt 0 ] || return 0
    for part in "$@"; do
        case $name in *"$part"*) return 0 ;; esac
    done
    return 1
}

ran=0
for bench in build/release/tests/bench_* tests/bench/*.sh; do
    [ -f "$bench" ] || continue
    [ "$bench" != tests/bench/run.sh ] || continue
    name=$(basename "$bench" .sh)
    name=${name#bench_}
    wanted "$name" "$@" || continue
    ran=$((ran + 1))
    echo "--- $name"
    case $bench in
    *.sh) sh "$bench" || bad="$bad $name" ;;
    *) "$bench" || bad="$bad $name" ;;
    esac
done
[ $ran -gt 0 ] || { echo "run: no bench is called $*" >&2; exit 2; }
[ -z "$bad" ] || { echo "missed or failed:$bad"; exit 1; }
