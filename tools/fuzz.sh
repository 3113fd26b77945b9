#!/bin/sh
# fuzz: every fuzzer of build/fuzz for some seconds: `fuzz.sh SECONDS [NAME]`. Two at a time.
#
# New inputs go to build/found/NAME, a crash beside it as NAME-crash-…; tests/fuzz/corpus is only read.
# Closes with `N passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit 2
seconds=${1:-60}
only=${2:-}
budget_s=180 # all fuzzers together: a whole run of the tests is to end within 40 minutes
# What was freed is watched for a while; 64 MiB of it leave room below the limit of 512.
ASAN_OPTIONS=quarantine_size_mb=64
export ASAN_OPTIONS

run_one() {
    name=$1
    found=build/found/$name
    mkdir -p "$found"
    set -- -max_total_time="$seconds" -timeout=2 -rss_limit_mb=512 -print_final_stats=1 -artifact_prefix="$found-"
    [ ! -f "tests/fuzz/$name.dict" ] || set -- "$@" -dict="tests/fuzz/$name.dict"
    [ ! -d "tests/fuzz/corpus/$name" ] || set -- "$@" "$found" "tests/fuzz/corpus/$name"
    [ -d "tests/fuzz/corpus/$name" ] || set -- "$@" "$found"
    if "build/fuzz/tests/fuzz_$name" "$@" >"$found.log" 2>&1 && grep -q '^Done [1-9]' "$found.log"; then
        awk -v name="$name" '/ cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") cov = $(i + 1) }
            /^Done / { runs = $2; s = $5 }
            END { printf "fuzz_%-12s passed %10d runs in %d s, %d edges\n", name, runs, s, cov }' "$found.log"
        : >"$found.passed"
    else
        tail -n 30 "$found.log"
        # In one line what was wrong and with which input: the end of a long run names no more than this.
        why=$(grep -m1 -oE 'Assertion .* failed|(ERROR|SUMMARY): .*' "$found.log" | cut -c1-200)
        input=$(grep -m1 '^Base64: ' "$found.log" | cut -c1-400)
        echo "fuzz_$name FAILED; see $found.log; ${why:-it did not end by itself}; ${input:-no input kept}"
    fi
}

names=$(for file in build/fuzz/tests/fuzz_*; do
    [ -x "$file" ] || continue
    name=${file##*/fuzz_}
    [ -z "$only" ] || [ "$only" = "$name" ] || continue
    echo "$name"
done)
count=$(echo "$names" | grep -c .)
if [ "$count" -eq 0 ]; then
    echo "no fuzzer${only:+ $only} in build/fuzz/tests: cmake --build build/fuzz"
    echo "0 passed, 1 failed"
    exit 1
fi
if [ $((count * seconds / 2)) -gt "$budget_s" ]; then
    seconds=$((budget_s * 2 / count))
    echo "$count fuzzers share $budget_s s: $seconds s each"
fi
mkdir -p build/found
rm -f build/found/*.passed

# Two lanes, every second name each.
lane() {
    echo "$names" | awk -v lane="$1" 'NR % 2 == lane' | while read -r name; do run_one "$name"; done
}
lane 0 &
lane 1
wait
passed=$(find build/found -maxdepth 1 -name '*.passed' | wc -l)
echo "$passed passed, $((count - passed)) failed"
[ "$passed" -eq "$count" ]
