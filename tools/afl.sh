#!/bin/sh
# afl: AFL++ on the two fuzzers that read most of what strangers send: `afl.sh SECONDS [NAME…]`.
#
# The same programs as libFuzzer drives, compiled by afl-clang-fast; A09 asks for a second engine. Found
# inputs go to build/found/afl-NAME. Closes with `N passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit 2
seconds=${1:-60}
shift
[ $# -gt 0 ] || set -- http ws
export AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1

cmake -S . -B build/afl -G Ninja -DCMAKE_C_COMPILER=afl-clang-fast -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_C_FLAGS_DEBUG='-O1 -g' -DBN_FUZZ=ON -DBN_UI=OFF >/dev/null || exit 1
passed=0
failed=0
for name in "$@"; do
    found=build/found/afl-$name
    rm -rf "$found"
    mkdir -p build/found
    cmake --build build/afl --target "fuzz_$name" || exit 1
    dict=tests/fuzz/$name.dict
    set -- -i "tests/fuzz/corpus/$name" -o "$found" -t 2000 -m none -V "$seconds"
    [ ! -f "$dict" ] || set -- "$@" -x "$dict"
    afl-fuzz "$@" -- "build/afl/tests/fuzz_$name" >"$found.log" 2>&1
    stats=$found/default/fuzzer_stats
    bad=$(awk '/^saved_(crashes|hangs)/ { n += $3 } END { print NR ? n + 0 : 1 }' "$stats" 2>/dev/null || echo 1)
    if [ "$bad" -eq 0 ] && [ -f "$stats" ]; then
        awk -v name="$name" '/^execs_done/ { runs = $3 } /^edges_found/ { edges = $3 }
            END { printf "fuzz_%-12s passed %10d runs by AFL++, %d edges\n", name, runs, edges }' "$stats"
        passed=$((passed + 1))
    else
        tail -n 20 "$found.log"
        echo "fuzz_$name FAILED under AFL++: see $found/default"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
