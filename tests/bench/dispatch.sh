#!/bin/sh
# dispatch: 200 operations over SSH at once: what starting another takes, what live connections feel of it, and memory: `dispatch.sh [OPERATIONS [TYPE]]`.
cd "$(dirname "$0")/../.." && exec node tests/bench/dispatch.mjs "$@"
