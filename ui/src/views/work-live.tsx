// work-live: who hears of operations now, and how long the way to them is; for administrators.

import { useState } from 'preact/hooks';
import { href } from '../link/route';
import { linkStatus } from '../link/live';
import { byteRate, count, millis, perSecond } from '../state/format';
import { median, ping, type Pinged } from '../state/ping';
import { self } from '../state/store';
import { Icon } from '../parts/icon';
import { Num } from '../parts/num';
import { Panel } from '../parts/panel';

const plain = count();
type Result = { is: 'none' } | { is: 'busy' } | { is: 'done'; of: Pinged } | { is: 'failed'; why: string };

export function LiveFigures() {
  const s = self.value;
  const [result, setResult] = useState<Result>({ is: 'none' });
  const test = async () => {
    setResult({ is: 'busy' });
    try {
      setResult({ is: 'done', of: await ping() });
    } catch (cause) {
      setResult({ is: 'failed', why: (cause as Error).message });
    }
  };
  return (
    <Panel title="Live connections" icon="network" aside={<a class="button small quiet" href={href('diagnostics')}>Diagnostics <Icon name="chevron-right" size={14} /></a>}>
      <div class="live-figures">
        <dl>
          <div data-tip="Live sockets and event streams: pages, scripts, Socket.IO clients"><dt>Clients</dt><dd><Num of={plain(s?.listeners)} /></dd></div>
          <div data-tip="Topics they listen to, taken together"><dt>Subscriptions</dt><dd><Num of={plain(s?.subscriptions)} /></dd></div>
          <div><dt>Connections</dt><dd><Num of={plain(s?.connections)} /></dd></div>
          <div><dt>Messages</dt><dd><Num of={perSecond(s?.messages_ps)} /></dd></div>
          <div><dt>Sent</dt><dd><Num of={byteRate(s?.sent_bps)} /></dd></div>
        </dl>
        <div class="live-ping">
          <button type="button" class="button small" disabled={result.is === 'busy'} onClick={() => void test()}><Icon name="activity" size={14} /> {result.is === 'busy' ? 'Testing …' : 'Ping'}</button>
          <span role="status">
            {result.is === 'none' && <span class="dim">Tests how long a message takes from here and back.{linkStatus.value.phase === 'polling' ? ' This page polls: WebSockets did not get through.' : ''}</span>}
            {result.is === 'failed' && <span class="live-bad">✖ {result.why} A proxy in between must pass "Upgrade: websocket".</span>}
            {result.is === 'done' && <>There and back in <Num of={millis(median(result.of.roundMs))} /> <span class="dim">(the middle of {result.of.roundMs.length}, <Num of={millis(Math.max(...result.of.roundMs))} /> at most; connected in <Num of={millis(result.of.openMs)} />)</span></>}
          </span>
        </div>
      </div>
    </Panel>
  );
}
