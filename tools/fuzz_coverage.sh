#!/bin/sh
# fuzz_coverage: does each fuzzer's corpus reach the file it is for? `fuzz_coverage.sh [NAME]`.
#
# tests/fuzz/targets.txt says which files; of each, the corpus in tests/fuzz/corpus alone must reach
# 90 % of the lines. Needs build/coverage. Closes with `N passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit 2
LC_ALL=C
export LC_ALL
only=${1:-}
least=90
objects=build/coverage/CMakeFiles/core.dir
passed=0
failed=0

# lines_of FILE: "97.41 116": the share that was run, and how many there are.
lines_of() {
    [ -f "$objects/$1.gcda" ] || return 1
    gcov -n "$objects/$1.gcda" 2>/dev/null | awk -v file="$1'" '
        index($0, "File ") == 1 { is_it = index($0, file) }
        is_it && sub(/^Lines executed:/, "") { sub(/% of/, ""); print; exit }'
}

try() {
    name=$1
    shift
    find build/coverage -name '*.gcda' -delete
    if ! build/coverage/tests/fuzz_"$name" "tests/fuzz/corpus/$name" >/dev/null; then
        failed=$((failed + 1))
        echo "fuzz_$name FAILED on its own corpus"
        return
    fi
    for file in "$@"; do
        got=$(lines_of "$file")
        line=$(printf '%-13s %-28s %6s %% of %s lines' "$name" "$file" "${got% *}" "${got#* }")
        if [ "$(echo "${got% *} $least" | awk '{ print ($1 >= $2) }')" = 1 ]; then
            passed=$((passed + 1))
            echo "$line"
        else
            failed=$((failed + 1))
            echo "$line FAILED: at least $least are wanted"
        fi
    done
}

for source in tests/fuzz/fuzz_*.c; do
    name=${source##*/fuzz_}
    name=${name%.c}
    [ -z "$only" ] || [ "$only" = "$name" ] || continue
    files=$(awk -v name="$name" '$1 == name { $1 = ""; print }' tests/fuzz/targets.txt)
    if [ -z "$files" ]; then
        failed=$((failed + 1))
        echo "fuzz_$name FAILED: no line in tests/fuzz/targets.txt"
        continue
    fi
    # shellcheck disable=SC2086 # a list of names without spaces
    try "$name" $files
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
