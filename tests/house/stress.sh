#!/bin/sh
# stress: a server built with ThreadSanitizer under eight clients at once: `stress.sh SECONDS`.
#
# Four swarms of 50 live listeners and four loops of requests that reach every
# thread: history (query pool), logins (hash pool), keys (store). Passes when the server ends by
# SIGTERM with exit code 0 and ThreadSanitizer said nothing.
set -u
cd "$(dirname "$0")/../.." || exit 2
seconds=${1:-60}
dir=$(mktemp -d)
log=$dir/server.log
key=$(build/tsan/binnacle key add --name stress --scope all --data "$dir/data") || exit 1
TSAN_OPTIONS='exitcode=66 halt_on_error=0' build/tsan/binnacle serve --listen 127.0.0.1:0 --data "$dir/data" \
    >"$log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; rm -rf "$dir"' EXIT

port=
for _ in $(seq 100); do
    port=$(sed -n 's|^Open  *http://127.0.0.1:\([0-9]*\)/.*|\1|p' "$log")
    [ -z "$port" ] || break
    sleep 0.1
done
if [ -z "$port" ]; then
    cat "$log"
    echo "0 passed, 1 failed"
    exit 1
fi

for i in 1 2 3 4; do
    build/tsan/tests/swarm --port "$port" --pid "$server" --count 50 --seconds "$seconds" --mode live --key "$key" \
        >"$dir/swarm.$i" 2>&1 &
    swarms="${swarms:-} $!"
done
PORT=$port KEY=$key SECONDS_LONG=$seconds node --input-type=module >"$dir/requests" 2>&1 <<'END' &
const base = `http://127.0.0.1:${process.env.PORT}`;
const headers = { authorization: `Bearer ${process.env.KEY}` };
const until = Date.now() + Number(process.env.SECONDS_LONG) * 1000;
const counts = {};
async function loop(name, step) {
  counts[name] = {};
  for (let i = 0; Date.now() < until; i++) {
    const answer = await step(i);
    await answer.arrayBuffer();
    counts[name][answer.status] = (counts[name][answer.status] ?? 0) + 1;
  }
}
const post = (path, body, more = {}) => fetch(base + path, {
  method: 'POST', headers: { 'content-type': 'application/json', ...more }, body: JSON.stringify(body),
});
await Promise.all([
  loop('history', () => fetch(`${base}/api/v1/history?series=host/local.cpu_pct&range=24h`, { headers })),
  loop('state', () => fetch(`${base}/api/v1/state?topic=meter.host`, { headers })),
  loop('login', (i) => post('/api/v1/session', { username: `nobody${i}`, password: 'wrong but long enough' })),
  loop('metrics', (i) => fetch(base + (i % 2 ? '/metrics' : '/api/v1/audit'), { headers })),
]);
console.log(JSON.stringify(counts));
END
requests=$!
failed=0
# shellcheck disable=SC2086 # a list of process ids
for pid in $swarms $requests; do
    wait "$pid" || failed=1
done
kill -TERM "$server"
wait "$server"
code=$?
trap 'rm -rf "$dir"' EXIT
cat "$dir"/swarm.* "$dir/requests"
grep -q '"history":{"200":[0-9]' "$dir/requests" || failed=1
if [ "$failed" -ne 0 ] || [ "$code" -ne 0 ] || grep -q 'ThreadSanitizer' "$log"; then
    grep -vE ' (info|debug) ' "$log" | head -n 200
    echo "FAILED: stress under ThreadSanitizer (server's exit code $code)"
    echo "0 passed, 1 failed"
    exit 1
fi
echo "1 passed, 0 failed"
