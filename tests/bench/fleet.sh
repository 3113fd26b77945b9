#!/bin/sh
# fleet: a thousand Proxmox VE servers, and a known prober at the same endpoints: `fleet.sh [SERVERS [SECONDS]]`.
cd "$(dirname "$0")/../.." && exec node tests/bench/fleet.mjs "$@"
