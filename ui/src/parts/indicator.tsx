// indicator: the same four states on every page, with shape and words beside the colour.

import { link, linkStatus } from '../link/live';
import { ago, bytes, line } from '../state/format';
import { hostTopic, indicator, now } from '../state/store';
import { Menu } from './menu';

export function Indicator() {
  const { kind, label, detail } = indicator.value;
  const s = linkStatus.value;
  const isWaiting = s.phase === 'waiting' || s.phase === 'refused';
  return (
    <div class={`indicator ${kind}`}>
      {/* Read out when the kind changes, not with every second of its age. */}
      <span class="visually-hidden" role="status" aria-live="polite">{kind === 'live' ? 'Live updates active' : `Connection: ${kind}`}</span>
      <Menu label={`Connection: ${label}`} button={<><span class={`dot ${kind} ${s.lostAt === null ? '' : 'lost'}`} aria-hidden="true" /><span class="indicator-label num">{label}</span></>}>
        <div class="menu-note">
          <p>{detail}</p>
          <dl class="pairs">
            <dt>Last sample</dt><dd class="num">{hostTopic.at.value ? ago(hostTopic.at.value, now.value) : 'none yet'}</dd>
            <dt>Transport</dt><dd>{s.phase === 'polling' ? 'HTTP long poll' : 'WebSocket, live/1'}</dd>
            <dt>Received</dt><dd class="num">{s.messages} messages, {line(bytes(s.bytes))}</dd>
          </dl>
          {isWaiting && <button type="button" class="button small wide" onClick={() => link.hurry()}>Try now</button>}
        </div>
      </Menu>
    </div>
  );
}
