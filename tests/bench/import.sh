#!/bin/sh
# import: what a file of servers costs; 50 rows read and shown, 1,000 rows kept in one transaction.
#
# Beside Python's csv module reading the same file, and SQLite inserting the same rows in one synced
# transaction, in the same run. Bars: 50 ms and 1 s, by the median of the answers over HTTP.
set -u
cd "$(dirname "$0")/../.." || exit 2
exec node tests/bench/peers/import.mjs
