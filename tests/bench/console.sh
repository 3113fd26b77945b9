#!/bin/sh
# console: the relay of a console beside a raw TCP relay in the same run: `console.sh [MEBIBYTES]`.
cd "$(dirname "$0")/../.." && exec node tests/bench/console.mjs "$@"
