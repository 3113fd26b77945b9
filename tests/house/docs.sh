#!/bin/sh
# docs: what docs/ says of the code is still so: limits, and an act for every error in the log.
set -u
LC_ALL=C
export LC_ALL
cd "$(dirname "$0")/../.." || exit 2
bad=0
complain() {
    echo "docs/operations.md: $1"
    bad=1
}
sh tools/limits.sh || bad=1

# shellcheck disable=SC2016 # Markdown's quotes
listed=$(sed -n 's/^| `\([a-z]*\.[a-z_]*\)` | .* | .* |$/\1/p' docs/operations.md | sort -u)
logged=$(find src -name '*.c' -exec cat {} + | tr '\n' ' ' |
    grep -o 'bn_log(BN_ERROR, *"[^"]*"' | sed 's/.*"\(.*\)"/\1/' | sort -u)
for event in $logged; do
    echo "$listed" | grep -qx "$event" || complain "what to do at the error $event?"
done
for event in $listed; do
    echo "$logged" | grep -qx "$event" || complain "nothing logs the error $event"
done
[ "$(echo "$logged" | wc -l)" -ge 5 ] || complain 'the search for errors finds hardly any'
exit "$bad"
