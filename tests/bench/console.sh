#!/bin/sh
# console: the relay of a console beside raw relays, of TCP and of TLS, in the same run: `console.sh [MEBIBYTES]`.
cd "$(dirname "$0")/../.." && exec node tests/bench/console.mjs "$@"
