// many: a Binnacle with many targets at one sshd, restarts that run on as many of them as wanted, and what those cost.
//
//   const many = await startMany(server, admin, sshd, 200);
//   await many.begin(200);                 // each has been sent and runs
//   const { answers, pings } = await many.ask(500);
//   await many.end();                      // and each has ended well

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { CLOSE, PING, PONG, TEXT, open } from './frames.mjs';
import { sleep, until } from './server.mjs';

const SPARE = 24; // targets on which operations are begun while the others are busy

async function inLanes(list, lanes, run) {
  let next = 0;
  await Promise.all(Array.from({ length: lanes }, async () => {
    while (next < list.length) await run(list[next++]);
  }));
}

/** The server's pid and those of all its descendants. */
export function treeOf(pid) {
  const children = fs.readdirSync(`/proc/${pid}/task`).flatMap((task) => fs.readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean));
  return [pid, ...children.flatMap((child) => treeOf(Number(child)))];
}

/** Resident bytes of a server and all its descendants; pages they share count as often as they are shared. */
export function treeRss(pid) {
  return treeOf(pid).reduce((sum, one) => sum + Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${one}/status`, 'utf8'))?.[1] ?? 0) * 1024, 0);
}

/** How long a live connection waits for the answer to a ping, every 25 ms, until the returned stop() is called. */
async function pinging(server, key) {
  const socket = await open(server.port, '/api/v1/live', { protocol: 'live.1', fields: { Host: `127.0.0.1:${server.port}`, Authorization: `Bearer ${key}` } });
  socket.send(TEXT, `${JSON.stringify({ t: 'hello', v: 1 })}\n${JSON.stringify({ t: 'sub', id: 1, topics: [['work.operations']] })}\n`);
  const took = [];
  const sent = [];
  const reading = (async () => {
    for (;;) {
      const one = await socket.message(1e6).catch(() => null);
      if (!one) return;
      if (one.op === CLOSE) assert.fail(`the live connection was closed: ${one.payload}`);
      if (one.op === PONG) took.push(performance.now() - sent.shift());
    }
  })();
  const timer = setInterval(() => {
    sent.push(performance.now());
    socket.send(PING, '');
  }, 25);
  return async () => {
    clearInterval(timer);
    await until('the last pong', () => sent.length === 0);
    socket.destroy();
    await reading;
    return took;
  };
}

export async function startMany(server, admin, sshd, count) {
  const key = await server.makeKey(admin, 'all');
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const call = (method, where, body, more = {}) => server.request(method, where, { key, body, timeout: 60000, ...more });
  const ids = new Array(count + SPARE);
  await inLanes([...ids.keys()], 8, async (i) => {
    const added = await call('POST', '/api/v1/targets', {
      name: `web${i}`, host: '127.0.0.1', port: sshd.port, username: 'root', service: 'nginx.service',
      auth: { kind: 'key', private_key: sshd.key }, host_key: sshd.fingerprint,
    });
    assert.equal(added.status, 201, added.text);
    ids[i] = added.json.id;
  });
  const spare = ids.slice(count);
  const begun = [];
  const active = async () => (await call('GET', '/api/v1/operations?status=in_progress')).json.total;
  const post = async (target, more) => {
    const at = performance.now();
    const answer = await call('POST', `/api/v1/targets/${target}/operations`, { type: 'ssh_test' }, more);
    return { answer, ms: performance.now() - at };
  };

  let holder = null;
  return {
    key,
    /** Each on a target of its own, until end(): a restart that lasts, or a journal that says a line a second. */
    async begin(wanted, type = 'logs') {
      holder = spawn('sh', ['-c', 'while sleep 1; do echo "a line of the journal, as long as many are, and once a second" >>"$0"; done', sshd.file('state', 'journal')]);
      sshd.set('journal');
      sshd.set('stays', holder.pid);
      sshd.set('calls', null);
      await inLanes(ids.slice(0, wanted), 16, async (id) => {
        const answer = await call('POST', `/api/v1/targets/${id}/operations`, { type });
        assert.equal(answer.status, 202, answer.text);
        begun.push(answer.json.operation_id);
      });
      const call_ = type === 'logs' ? 'journal' : 'restart nginx.service';
      await until(`${wanted} to run`, () => sshd.calls().filter((line) => line === call_).length >= wanted, { within: 180000, every: 500 });
    },
    active,
    /** So many operations are begun, one after the other; how long each POST took, and each ping meanwhile. */
    async ask(times) {
      const stop = await pinging(server, key);
      const answers = [];
      const refused = {};
      for (let i = 0; i < times; i++) {
        const { answer, ms } = await post(spare[i % SPARE], { agent });
        if (answer.status === 202) answers.push(ms);
        else refused[answer.status] = (refused[answer.status] ?? 0) + 1;
        assert.ok(answer.status === 202 || answer.status === 409, answer.text);
        await sleep(30);
      }
      return { answers, refused, pings: await stop() };
    },
    async end(within = 240000) {
      holder.kill();
      const left = new Set(begun);
      await until('all to end', async () => {
        for (const id of left) {
          const it = (await call('GET', `/api/v1/operations/${id}`)).json;
          if (!it.completed_at) return false;
          assert.equal(it.status, 'completed', JSON.stringify(it));
          left.delete(id);
        }
        return true;
      }, { within, every: 1000 });
      agent.destroy();
    },
  };
}
