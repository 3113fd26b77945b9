#!/bin/sh
# test: everything CI runs, suite by suite: `test.sh [SUITE…]`; logs in build/test/SUITE.log.
#
# A suite is a function below. Its output closes with `N passed, N failed`; without that line, or with
# an exit code but nothing failed, it counts as one failure. The last line here is the sum.
set -u
cd "$(dirname "$0")/.." || exit 2
LC_ALL=C
export LC_ALL
jobs=$(nproc)
# Tests wait more than they compute, 40 s of processor in 300 s, so several share one; fewer where a
# sanitizer makes them compute more.
tests=$((jobs * 4))
checked_tests=$((jobs * 2))
logs=build/test
mkdir -p "$logs"

# check WHAT COMMAND…: one thing that holds or does not.
p=0
f=0
check() {
    what=$1
    shift
    if "$@"; then
        p=$((p + 1))
    else
        f=$((f + 1))
        echo "FAILED: $what"
    fi
}
close() {
    echo "$p passed, $f failed"
    [ "$f" -eq 0 ]
}

# build PRESET [OPTION…]: configures it and makes everything of it, or what the options of the build say.
build() {
    preset=$1
    shift
    cmake --preset "$preset" >/dev/null && cmake --build "build/$preset" -j "$jobs" "$@"
}

# Runs CTest and counts: each cmocka test is one, each other program is one, and a program that failed
# although its tests passed (a leak, say) is one failure.
count_ctest() {
    ctest -j "$checked_tests" "$@" -V 2>&1 | awk '
        { print }
        match($0, /^[0-9]+: /) { id = substr($0, 1, RLENGTH - 2) }
        match($0, /\[  PASSED  \] [0-9]+ test/) { counted[id] = 1; passed += substr($0, RSTART + 13) }
        match($0, /\[  FAILED  \] [0-9]+ test/) { own[id] = 1; failed += substr($0, RSTART + 13) }
        /^ *[0-9]+\/[0-9]+ Test +#[0-9]+:/ {
            split($0, part, "#"); id = part[2] + 0; ended++
            if ($0 ~ / Passed /) { if (!counted[id]) passed++ }
            else { bad[++bads] = $0; if (!own[id]) failed++ }
        }
        END {
            if (!ended) { print "no test ran"; failed++ }
            for (i = 1; i <= bads; i++) print "FAILED:" bad[i]
            printf "%d passed, %d failed\n", passed, failed
            exit failed > 0
        }'
}

headers_alone() {
    bad=0
    for header in $(git ls-files 'src/*.h' 'include/*.h'); do
        gcc -std=gnu17 -fsyntax-only -Isrc -Iinclude -D_GNU_SOURCE -include "$header" -x c /dev/null || bad=1
    done
    return "$bad"
}

suite_house() { # layers, budgets, the rules themselves, the map, scripts, headers alone
    check 'tools/house.sh' sh tools/house.sh
    check 'tests/house/test_house.sh' sh tests/house/test_house.sh
    check 'tools/map.sh' sh tools/map.sh
    check 'tests/house/unit.sh' sh tests/house/unit.sh
    check 'tests/house/docs.sh' sh tests/house/docs.sh
    # shellcheck disable=SC2046 # a list of names without spaces
    check 'shellcheck' shellcheck $(git ls-files run .ci/run tools/hooks '*.sh')
    check 'every header compiles alone' headers_alone
    close
}

suite_format() { # .clang-format is law: `make fmt`
    # shellcheck disable=SC2046 # a list of names without spaces
    check 'make fmt' clang-format --dry-run -Werror $(git ls-files '*.c' '*.h')
    close
}

suite_asan() { # unit, store, replay, regress and the fuzz corpora under ASan, UBSan and LSan
    build asan && count_ctest --test-dir build/asan -LE house
}

sweep() {
    printf '%s\n' trouble damage kill | BN_SWEEP=${BN_SWEEP:-4} xargs -P "$jobs" -I NAME sh -c "exec build/asan/tests/store_test_sqlite_NAME"
}

suite_sweep() { # the store's sweeps, of which a sample runs with the others; BN_SWEEP=1 for each case
    build asan || return 1
    check 'the sweeps of the store' sweep
    close
}

suite_tsan() { # whatever meets a thread, under ThreadSanitizer
    build tsan && count_ctest --test-dir build/tsan -L 'unit|store' -j "$jobs"
}

strict() {
    cmake -S . -B "build/$1" -G Ninja -DCMAKE_C_COMPILER="$2" -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE=-O2 \
        -DBN_WERROR=ON -DBN_UI=OFF >/dev/null && cmake --build "build/$1" -j "$jobs" -- -k 0
}

suite_strict() { # two compilers, the shipped flags, warnings as errors
    check 'gcc without a warning' strict strict-gcc gcc
    check 'the unit tests as shipped' ctest --test-dir build/strict-gcc -L unit -j "$tests" --output-on-failure
    check 'clang without a warning' strict strict-clang clang
    close
}

run_tidy() {
    # Its standard error only counts the warnings of system headers.
    git ls-files 'src/*.c' | xargs -P "$jobs" -n 4 clang-tidy -p build/strict-clang --quiet 2>"$logs/tidy.err"
}

suite_lint() { # clang-tidy, gcc's analyzer and cppcheck over src/, each finding an error
    [ -f build/strict-clang/compile_commands.json ] ||
        cmake -S . -B build/strict-clang -G Ninja -DCMAKE_C_COMPILER=clang -DBN_UI=OFF >/dev/null || return 1
    check 'clang-tidy' run_tidy
    check 'gcc -fanalyzer and cppcheck' sh tests/house/analyze.sh
    close
}

suite_stress() { # the whole server under ThreadSanitizer and eight clients, a minute
    build tsan --target binnacle swarm && sh tests/house/stress.sh 60
}

# MemorySanitizer knows only what it compiled: what needs no other library.
suite_msan() { # the parsers and their corpora under MemorySanitizer
    names='unit_test_(addr|buf|bytes|csv|eio|endpoint|err|http|http_answer|http_path|http_put|procfs|procfs_io|procfs_pid|rfb|rfb_input|scan|sio|sse|ssh_frame|term_input|text|token|utf8|ws_client|ws_frame|ws_handshake)'
    cmake -S . -B build/msan -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG='-O1 -g' \
        -DBN_SANITIZE=memory -DBN_UI=OFF >/dev/null && cmake --build build/msan -j "$jobs" &&
        count_ctest --test-dir build/msan -R "^($names|fuzz_(console_input|eio|http|http_answer|sio|ssh_frame|url|ws_client|ws_handshake))\$"
}

# The SSH runner may not make executable memory, which is what valgrind lives on.
memcheck() {
    find build/dev/tests -name '*_test_*' -type f ! -name unit_test_ssh ! -name unit_test_ssh_sshd \
        ! -name unit_test_ssh_many ! -name unit_test_ssh_pipe -print0 | xargs -0 -P "$jobs" -n 1 valgrind -q --error-exitcode=9 \
        --leak-check=full --errors-for-leak-kinds=definite,indirect
}

suite_valgrind() { # the unit and store tests under memcheck; two minutes, so not among those of each push
    build dev || return 1
    check 'valgrind' memcheck
    close
}

# add LOG: what a part of a suite has counted.
add() {
    counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$1" | tail -n 1)
    counts=${counts:-0 passed, 1 failed}
    p=$((p + ${counts%% *}))
    f=$((f + $(echo "$counts" | awk '{ print $3 }')))
}

# The end-to-end tests against programs that count, without those that measure. Two runs of two lanes side
# by side, because most of it is waiting.
count_e2e() {
    export BINNACLE="$1/binnacle" BINNACLE_ASAN="$1/binnacle" CONFORMANCE_SERVER="$1/tests/conformance_server"
    export LIVE_LAB="$1/tests/live_lab" SWARM="$1/tests/swarm" COUNTED=1 LANES=2
    REPORT="$1/e2e1" sh tests/e2e/run.sh http ws people life dispatch >"$1/lane1" &
    REPORT="$1/e2e2" sh tests/e2e/run.sh live >"$1/lane2"
    wait
    cat "$1/lane1" "$1/lane2"
    add "$1/lane1"
    add "$1/lane2"
}

# What earlier runs have counted, and the notes of sources that are no more.
forget_counts() {
    find "$1" -name '*.gcda' -delete
    find "$1/CMakeFiles/core.dir" -name '*.gcno' | while read -r notes; do
        source=${notes#*/core.dir/}
        [ -f "${source%.gcno}" ] || rm "$notes"
    done
}

suite_coverage() { # A04: lines 90 %, branches 80 %, the codecs all of it
    make ui tests/e2e/node_modules/.installed && build coverage --target all programs || return 1
    counted=$PWD/build/coverage
    forget_counts "$counted"
    count_ctest --test-dir "$counted" -LE house >"$counted/ctest.log"
    cat "$counted/ctest.log"
    add "$counted/ctest.log"
    count_e2e "$counted"
    # The other side of an assertion is a defect: no test can take it, so it is no branch to be taken.
    # gcov writes where it runs, and that is the object directory.
    gcovr -r . "$counted" --object-directory "$counted" --filter src/ \
        --exclude-branches-by-pattern '.*\bassert\(.*' --json "$counted/all.json" || return 1
    check 'every line of the codecs' gcovr -a "$counted/all.json" --filter src/wire/ --fail-under-line 100
    check 'every branch of the codecs' gcovr -a "$counted/all.json" --filter src/wire/ --fail-under-branch 100
    check '90 % of the lines' gcovr -a "$counted/all.json" --fail-under-line 90
    check '80 % of the branches' gcovr -a "$counted/all.json" --branches --fail-under-branch 80 --print-summary
    close
}

# node_tests NAME COMMAND…: tests of node, as its own report counts them.
node_tests() {
    own=$logs/$1-tests.log
    shift
    "$@" >"$own" 2>&1
    code=$?
    cat "$own"
    node_passed=$(sed -n 's/^[^ ]* pass \([0-9]*\)$/\1/p' "$own" | tail -n 1)
    node_failed=$(sed -n 's/^[^ ]* fail \([0-9]*\)$/\1/p' "$own" | tail -n 1)
    [ "$code" -eq 0 ] || [ "${node_failed:-0}" -gt 0 ] || node_failed=1
    p=$((p + ${node_passed:-0}))
    f=$((f + ${node_failed:-1}))
}

suite_ui() { # types, budget and tests of the page
    make ui/node_modules/.installed || return 1
    check 'types' npm --prefix ui run check
    check 'the page and its weight' make ui
    node_tests ui npm --prefix ui test
    close
}

suite_lab() { # the simulated Proxmox VE: recorded answers, errors, bytes, actions, faults
    make lab/node_modules/.installed || return 1
    node_tests lab node --test --test-reporter=spec lab/test/*.test.mjs
    close
}

suite_release() { # what is shipped is hardened and exports nothing
    make release || return 1
    sh tests/house/hardening.sh build/release/binnacle
}

suite_e2e() { # the real server, a real browser
    make e2e
}

# part COMMAND…: one that closes with `N passed, N failed` itself; adds what it counted.
part() {
    "$@" >"$logs/part.log" 2>&1
    code=$?
    cat "$logs/part.log"
    counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$logs/part.log" | tail -n 1)
    part_failed=$(echo "$counts" | awk '{ print $3 + 0 }')
    p=$((p + $(echo "$counts" | awk '{ print $1 + 0 }')))
    [ "$code" -eq 0 ] || [ "$part_failed" -gt 0 ] || part_failed=1
    f=$((f + part_failed))
}

suite_fuzz() { # every fuzzer for its share of the time, two at a time; what each corpus reaches; h11 and Python asked the same
    build fuzz && build fuzz --target http_judge text_judge && build coverage --target fuzzers || return 1
    part sh tools/fuzz.sh "${S:-60}"
    part sh tools/fuzz_coverage.sh
    part /usr/bin/python3 tests/fuzz/http_peer.py build/fuzz/tests/http_judge 20
    part /usr/bin/python3 tests/fuzz/text_peer.py build/fuzz/tests/text_judge 20
    close
}

suite_afl() { # AFL++ on the two biggest codecs; by name, as valgrind, and with afl++ installed by hand
    sh tools/afl.sh "${S:-600}"
}

# The files without which a suite cannot run; no folder at all means that it does not exist yet.
needs() {
    case $1 in
    ui) echo ui/package-lock.json ;;
    lab) echo lab/package-lock.json ;;
    coverage | e2e) echo tests/e2e/run.sh ;;
    fuzz) ls tests/fuzz/fuzz_*.c 2>/dev/null || echo tests/fuzz/fuzz_ ;;
    release) echo src/app/main.c ;;
    *) echo CMakeLists.txt ;;
    esac | head -n 1
}

# what_failed SUITE LOG: each failure in a line or two, so that the end of a long output names them all.
what_failed() {
    awk -v suite="$1" '
        /^✖ failing tests:/ { listed = 1; next }
        /^test at / { place = $3 }
        listed && /^✖ / { print suite ": " place " " $0; wanted = 1; next }
        wanted && /Error|! |^ *\[?cause/ { print "    " $0; wanted = 0; next }
        /^FAILED|^[a-z_]+ FAILED|\[  FAILED  \] [a-z_]+$|error: / { print suite ": " $0 }
    ' "$2" | cut -c 1-220 | awk '!seen[$0]++' | head -n 24
}

table=$logs/table
: >"$table"
: >"$logs/failures"
[ $# -gt 0 ] || set -- house format strict lint asan sweep tsan stress msan ui lab release coverage e2e fuzz
for suite in "$@"; do
    log=$logs/$suite.log
    start=$(date +%s)
    file=$(needs "$suite")
    if [ -f "$file" ]; then
        ("suite_$suite") >"$log" 2>&1 </dev/null
        code=$?
        counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
        [ -n "$counts" ] || counts='0 passed, 1 failed'
        [ "$code" -eq 0 ] || [ "${counts#* passed, }" != '0 failed' ] || counts="${counts%, *}, 1 failed"
    else
        echo "absent: $file" >"$log"
        counts='0 passed, 0 failed'
        [ ! -d "$(dirname "$file")" ] || counts='0 passed, 1 failed'
    fi
    if [ "${counts#* passed, }" != '0 failed' ]; then
        echo "--- $suite ($log) ---"
        grep -E 'FAILED|ERROR|error:|warning:' "$log" | cut -c 1-200 | sort -u | head -n 25
        echo ...
        tail -n 25 "$log" | cut -c 1-200
        what_failed "$suite" "$log" >>"$logs/failures"
    fi
    line=$(printf '%-8s %6d passed %4d failed  %4d s' "$suite" "${counts%% *}" \
        "$(echo "$counts" | awk '{ print $3 }')" $(($(date +%s) - start)))
    grep -q '^absent' "$log" && line="$line  $(cat "$log")"
    echo "$line"
    echo "$line" >>"$table"
    [ "$suite" != coverage ] || grep -E '^(lines|branches): ' "$log"
done

echo
cat "$logs/failures" "$table"
awk '{ passed += $2; failed += $4 } END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 }' "$table"
