#!/bin/sh
# fanout: what a broadcast costs per listener, against a raw epoll broadcaster and two peers in the
# same run; what an idle listener costs; what one that stops reading costs the others.
#
# `fanout.sh [ROUNDS [SECONDS]]`, 5 and 3 when not said. Medians over the rounds, which go round and round
# over the servers so that a busy minute of the machine hits all alike; ratios are of one round. Needs build/release/tests and, for
# the peers, node with tests/bench/peers installed. Exit code 1 when a bar is missed.
set -u
cd "$(dirname "$0")/../.." || exit 2
LC_ALL=C
export LC_ALL
rounds=${1:-5}
seconds=${2:-3}
bin=build/release/tests
bytes=512
tmp=$(mktemp -d)
pid=
missed=0
trap 'stop; rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

stop() {
    [ -n "$pid" ] || return 0
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    pid=
}

# start COMMAND…: runs a server, waits until it says its port; sets pid, port and key.
start() {
    : >"$tmp/said"
    "$@" >"$tmp/said" &
    pid=$!
    for _ in $(seq 200); do
        port=$(sed -n 's/^port //p' "$tmp/said")
        key=$(sed -n 's/^key //p' "$tmp/said")
        [ -z "$port" ] || return 0
        sleep 0.05
    done
    echo "fanout: $1 did not say its port" >&2
    exit 2
}

# measure SERVER CLIENTS HZ [SWARM OPTION…]: one line of figures, "" when that server is not there.
measure() {
    server=$1
    clients=$2
    hz=$3
    shift 3
    mode=plain
    case $server in
    raw) start "$bin/raw_broadcast" $bytes "$hz" ;;
    ours) start "$bin/live_lab" --hz "$hz" --bytes $bytes && mode=live ;;
    big) start "$bin/live_lab" --hz "$hz" --bytes 4096 --rows 28 --warm 1100 && mode=live ;;
    ws) start node tests/bench/peers/ws.mjs $bytes "$hz" ;;
    socket.io) start node tests/bench/peers/socketio.mjs $bytes "$hz" && mode=socketio ;;
    esac
    set -- --port "$port" --pid "$pid" --count "$clients" --mode $mode "$@"
    [ $mode != live ] || set -- "$@" --key "$key"
    "$bin/swarm" "$@" >"$tmp/figures" || echo "fanout: $server with $clients clients failed" >&2
    stop
}

# figure NAME: of the last measurement.
figure() {
    sed -n "s/.*\\<$1=\\([0-9.-]*\\).*/\\1/p" "$tmp/figures"
}

# note NAME VALUE; median NAME and lowest NAME of what was noted.
note() {
    [ -z "$2" ] || [ "$2" = - ] || echo "$2" >>"$tmp/$1"
}
lowest() {
    sort -n "$tmp/$1" | head -n 1
}
median() {
    [ -f "$tmp/$1" ] && sort -n "$tmp/$1" | awk '{ v[NR] = $1 }
        END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# bar CONDITION: "ok", or "MISSED" and an exit code of 1.
bar() {
    if awk "BEGIN { exit !($1) }"; then
        verdict=ok
    else
        verdict=MISSED
        missed=1
    fi
}

peers() {
    command -v node >/dev/null && [ -d tests/bench/peers/node_modules ] && echo ws socket.io
}

broadcast() {
    clients=$1
    hz=$2
    for _ in $(seq "$rounds"); do
        for server in raw ours $(peers); do
            measure "$server" "$clients" "$hz" --seconds "$seconds"
            us=$(figure cpu_us_per_frame)
            [ "$server" != raw ] || floor=$us
            note "$server.$clients.us" "$us"
            note "$server.$clients.ratio" "$(awk "BEGIN { printf \"%.4f\", ${us:-0} / $floor }")"
            note "$server.$clients.pct" "$(figure cpu_pct)"
            note "$server.$clients.bytes" "$(figure bytes_per_frame)"
        done
    done
    ours=$(median "ours.$clients.ratio")
    for server in raw ours ws socket.io; do
        us=$(median "$server.$clients.us")
        ratio=$(median "$server.$clients.ratio")
        if [ -z "$us" ]; then
            printf '%-10s %6d listeners   not measured\n' "$server" "$clients"
            continue
        fi
        judged=
        case $server in
        ours) bar "$ratio <= 1.2" && judged="bar 1.20   $verdict" ;;
        ws | socket.io) bar "$ours < $ratio" && judged="above ours   $verdict" ;;
        esac
        printf '%-10s %6d listeners   %6.2f us per message of %s bytes   %5.2f x raw   %3.0f %% busy   %s\n' \
            "$server" "$clients" "$us" "$(median "$server.$clients.bytes")" \
            "$ratio" "$(median "$server.$clients.pct")" "$judged"
    done
}

idle() {
    measure ours 10000 0 --seconds 1
    kib=$(figure rss_kib_per_client)
    bar "${kib:-99} <= 4"
    printf '%-10s %6d listeners   %6.2f KiB resident each   bar 4.00   %s\n' idle 10000 "$kib" $verdict
}

# Bigger messages, so that the one who does not read is full within the first second. The calmest round
# of each counts: what else the machine does disturbs a p99 far more than what is asked about here.
stalled() {
    for _ in $(seq "$rounds"); do
        measure big 1000 20 --seconds "$seconds"
        note well.p99 "$(figure gap_p99_ms)"
        note well.kib "$(figure rss_growth_kib)"
        measure big 1000 20 --seconds "$seconds" --stall-one
        note stalled.p99 "$(figure gap_p99_ms)"
        note stalled.kib "$(figure rss_growth_kib)"
        note stalled.merged "$(figure stalled_merged)"
    done
    well=$(lowest well.p99)
    with=$(lowest stalled.p99)
    kib=$(awk "BEGIN { print $(median stalled.kib) - $(median well.kib) }")
    bar "$(lowest stalled.merged) > 0"
    printf '%-10s %6d listeners   its first message afterwards is merged   %s\n' stalled 1000 $verdict
    bar "$with <= 1.1 * $well"
    printf '%-10s %6d listeners   p99 between messages %.1f ms, with one stalled %.1f ms   bar +10 %%   %s\n' \
        stalled 1000 "$well" "$with" $verdict
    bar "$kib <= 64"
    printf '%-10s %6d listeners   the stalled one costs %.0f KiB   bar 64   %s\n' stalled 1000 "$kib" $verdict
}

broadcast 1000 40
broadcast 10000 4
idle
stalled
exit $missed
