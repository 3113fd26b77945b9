#!/bin/sh
# unit: what packaging/binnacle.service promises (docs: SECURITY B18, A39); needs systemd-analyze.
set -u
LC_ALL=C
export LC_ALL
unit=$(dirname "$0")/../../packaging/binnacle.service
bad=0
complain() {
    echo "packaging/binnacle.service: $1"
    bad=1
}
if ! command -v systemd-analyze >/dev/null; then
    echo 'SKIPPED: there is no systemd-analyze here'
    exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# The grammar, with a program that exists.
sed 's|^ExecStart=.*|ExecStart=/bin/true|' "$unit" >"$dir/binnacle.service"
said=$(systemd-analyze verify "$dir/binnacle.service" 2>&1 | grep binnacle.service)
[ -z "$said" ] || complain "$said"

exposure=$(systemd-analyze security --offline=true "$unit" | sed -n 's/.*Overall exposure level[^0-9]*service: \([0-9.]*\).*/\1/p')
echo "exposure $exposure"
[ "$(echo "${exposure:-9} 2.0" | awk '{ print $1 <= $2 }')" = 1 ] || complain "exposure ${exposure:-unknown}, at most 2.0"

# A loop that stands still is noticed, ended and started again within 35 s.
seconds() { sed -n "s/^$1=\([0-9]*\)$/\1/p" "$unit"; }
total=$(($(seconds WatchdogSec) + $(seconds TimeoutAbortSec) + $(seconds RestartSec)))
[ "$total" -le 35 ] || complain "a restart by the watchdog takes $total s, at most 35"
[ "$(seconds TimeoutStopSec)" -ge 10 ] || complain 'stopping takes up to 8 s and may not be cut short'

# dbus-daemon hangs up on a user it does not know, and the units of systemd would be unknown.
user=$(sed -n 's/^User=//p' "$unit")
line=$(grep "^u ${user:-nobody} " "${unit%.service}.sysusers") || complain "User=${user:-} is not in binnacle.sysusers"
said=$(systemd-sysusers --dry-run --inline "$line" 2>&1) || complain "binnacle.sysusers: $said"

# What would make the measurements wrong or empty.
for line in ProtectProc=invisible ProtectProc=noaccess ProtectProc=ptraceable ProcSubset=pid PrivateUsers=yes \
    PrivateNetwork=yes ProtectHome=yes ProtectHome=tmpfs; do
    ! grep -q "^$line$" "$unit" || complain "$line hides what is measured"
done
exit "$bad"
