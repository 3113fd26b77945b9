// infra-why: why a server fails or flaps: the day as a strip, causes with their evidence, and what can be done.

import { effect, signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { api, ApiError } from '../link/api';
import { msText, pointTime, timeLimit } from '../state/attempts';
import { CHECKS_TAIL } from '../state/connection';
import { useTopic, type ServerRow } from '../state/fleet';
import { duration, minuteTime, time } from '../state/format';
import { Pace } from '../state/pace';
import { act, local, may, now } from '../state/store';
import { failuresOf, pieceWords, piecesOf, raiseTo, stripWords, taskSpan, type Advice, type Why } from '../state/why';
import { own } from '../state/own';
import { endText } from '../state/silence';
import { Icon } from '../parts/icon';
import { Failure, said, Skeleton } from '../parts/panel';
import { DiagnosisResults, useDiagnosis } from './infra-diagnose';
import { openRowMenu } from '../parts/rowmenu';
import { NEEDS_MANAGER, open, pathOf, silenceActs } from './infra-server-acts';
import { ActButton, StateSign } from './infra-server-parts';
import { silence, silencedUntil } from './silence';

const AGAIN_MS = 1500; // the tasks of a Proxmox VE come a moment later, or not within five seconds
const EVERY_MS = 5000; // a question about a day of attempts; a check brings little news to it

function useWhy(id: string) {
  const topic = useTopic(`infra.checks/${id}`, CHECKS_TAIL);
  const asked = useMemo(() => {
    const value = signal<Why | undefined>(undefined);
    const error = signal<ApiError | undefined>(undefined);
    const abort = new AbortController();
    const again = { timer: 0, left: 4 };
    const ask = async () => {
      window.clearTimeout(again.timer);
      try {
        value.value = await api<Why>('GET', `api/v1/servers/${encodeURIComponent(id)}/why`, undefined, abort.signal);
        error.value = undefined;
      } catch (cause) {
        if (!abort.signal.aborted && cause instanceof ApiError) error.value = cause;
      }
      if (value.value?.tasks !== 'asking' || abort.signal.aborted) again.left = 4;
      else if (again.left-- > 0) again.timer = window.setTimeout(() => void ask(), AGAIN_MS);
    };
    const pace = new Pace(ask, EVERY_MS, { now: () => Date.now(), after: (ms, run) => window.setTimeout(run, ms), cancel: (t) => window.clearTimeout(t) });
    return { value, error, pace, abort, again };
  }, [id]);
  useEffect(() => {
    const { pace, abort, again } = asked;
    pace.poke();
    let last = topic.events.peek().at(-1)?.seq;
    const stop = effect(() => {
      const at = topic.events.value.at(-1)?.seq;
      if (at !== last) pace.poke();
      last = at;
    });
    return () => {
      stop();
      pace.stop();
      window.clearTimeout(again.timer);
      abort.abort();
    };
  }, [asked, topic]);
  return asked;
}

export function WhyPanel({ server }: { server: ServerRow }) {
  const asked = useWhy(server.id);
  const why = asked.value.value;
  const error = asked.error.value;
  const diagnosis = useDiagnosis(server.id);
  const off = may('operate') ? null : NEEDS_MANAGER;
  return (
    <div class="why">
      {error && <Failure error={error} retry={() => asked.pace.poke()} />}
      {why ? <Found why={why} server={server} /> : !error && <Skeleton lines={6} label="Looking for the cause" />}
      <div class="row why-actions">
        <ActButton class="primary" off={off} isBusy={diagnosis.state.value.isRunning} onClick={() => void diagnosis.run()}>
          <Icon name="activity" /> Diagnose now
        </ActButton>
        <span class="dim">Ten attempts in a row, each with its phases. They are not counted in the history.</span>
      </div>
      <DiagnosisResults of={diagnosis.state.value} cancel={diagnosis.cancel} run={() => void diagnosis.run()} />
    </div>
  );
}

function Found({ why, server }: { why: Why; server: ServerRow }) {
  return (
    <>
      <Headline why={why} />
      <Strip why={why} />
      {why.findings.length > 0 && <Findings why={why} />}
      <div class="why-grid">
        {why.phases.some((p) => p.ms !== null || p.typical_ms !== null) && <Phases why={why} />}
        {why.errors.length > 0 && <Errors why={why} />}
        {why.changed.length > 0 && <Changed why={why} />}
      </div>
      <Do why={why} server={server} />
    </>
  );
}

const signs = { ok: 'online', early: 'unknown', failing: 'offline', flapping: 'flapping' } as const;

function Headline({ why }: { why: Why }) {
  const since = time(why.since);
  const isSaid = why.headline.startsWith('Flapping for '); // for how long, and how often
  const facts = [
    since !== null && !isSaid && why.state !== 'ok' && why.state !== 'early' ? `for ${duration(now.value - local(since))}` : '',
    why.flap_pct !== null && !isSaid ? `changes ${Math.round(why.flap_pct)} %, flapping above ${Math.round(why.flap_limit)} %` : '',
    why.success_rate !== null ? `success ${Math.round(why.success_rate)} %` : '',
    why.median_ms !== null ? `median ${msText(why.median_ms)}` : '',
    why.p95_ms !== null ? `p95 ${msText(why.p95_ms)}` : '',
    `${why.attempts.toLocaleString('en')} ${why.attempts === 1 ? 'attempt' : 'attempts'}`,
  ].filter(Boolean);
  return (
    <div class={`why-headline ${why.state}`}>
      <p class="why-title"><StateSign state={signs[why.state]} /> {why.headline}</p>
      <p class="page-facts">{facts.map((f) => <span key={f} class="num" data-tip="of the attempts that are remembered">{f}</span>)}</p>
    </div>
  );
}

const W = 1000;
const H = 44;
const DAY_MS = 86_400_000;

function Strip({ why }: { why: Why }) {
  if (why.strip.length === 0) return null;
  const end = Math.max(...why.strip.map((s) => Date.parse(s.to)).filter((t) => !Number.isNaN(t)));
  const pieces = piecesOf(why.strip, end);
  const start = end - DAY_MS;
  const failures = failuresOf(why.strip);
  const changes = why.changed.map((c) => ({ x: (Date.parse(c.at) - start) / DAY_MS, text: c.text })).filter((c) => c.x >= 0 && c.x <= 1);
  // Every four hours of the wall clock.
  const marks: { x: number; text: string }[] = [];
  const first = new Date(local(start));
  first.setMinutes(0, 0, 0);
  for (let t = first.getTime(); t <= local(end); t += 3_600_000) {
    const x = (t - local(start)) / DAY_MS;
    if (new Date(t).getHours() % 4 === 0 && x >= 0.03 && x <= 0.88) marks.push({ x, text: minuteTime(t) });
  }
  return (
    <figure class="strip24">
      <svg viewBox={`0 0 ${W} ${H}`} preserveAspectRatio="none" role="img" aria-label={`State over ${stripWords(pieces, duration)}${changes.length ? `; ${changes.length} changes to the server` : ''}`}>
        <defs>
          <pattern id="strip-down" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect class="strip-down" width="8" height="8" />
            <rect class="strip-hatch" width="3" height="8" />
          </pattern>
          <pattern id="strip-mixed" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">
            <rect class="strip-mixed" width="6" height="6" />
            <rect class="strip-hatch-mixed" width="2" height="6" />
          </pattern>
        </defs>
        <rect class="strip-none" x="0" y={H / 2 - 1} width={W} height="2" />
        {pieces.filter((p) => p.state === 'none').map((p) => (
          <rect key={p.x} class="strip-gap" data-tip={pieceWords(p, start, (t) => minuteTime(local(t)))} x={p.x * W} y="0" width={p.w * W} height={H} />
        ))}
        {pieces.filter((p) => p.state !== 'none').map((p) => {
          const [at, width] = [p.x * W, Math.max(p.state === 'up' ? 1 : 2, p.w * W)];
          const tip = pieceWords(p, start, (t) => minuteTime(local(t)));
          if (p.state === 'up') return <rect key={p.x} class="strip-up" data-tip={tip} x={at} y={H / 2} width={width} height={H / 2} />;
          // The taller the worse, so that the colour is not all there is.
          return <rect key={p.x} data-tip={tip} x={at} y={p.state === 'down' ? 0 : H / 4} width={width} height={H} fill={`url(#strip-${p.state})`} />;
        })}
        {changes.map((c) => <line key={c.x} class="strip-change" x1={c.x * W} x2={c.x * W} y1="0" y2={H} />)}
      </svg>
      <div class="strip24-axis" aria-hidden="true">
        {marks.map((m) => <span key={m.text + m.x} style={{ left: `${m.x * 100}%` }}>{m.text}</span>)}
        <span class="is-now">now</span>
      </div>
      <figcaption class="strip24-legend">
        <span><i class="swatch strip-key up" /> answered</span>
        {pieces.some((p) => p.state === 'mixed') && <span><i class="swatch strip-key mixed" /> now and then</span>}
        <span><i class="swatch strip-key down" /> failed</span>
        <span><i class="swatch strip-key none" /> not tried</span>
        {failures.map((f) => <span key={f.text} class="strip24-failure"><span class="num">{f.count} ×</span> {f.text}</span>)}
        {changes.length > 0 && <span><i class="swatch strip-key change" /> something was changed</span>}
      </figcaption>
    </figure>
  );
}

function Findings({ why }: { why: Why }) {
  const causes = why.findings.filter((f) => f.is_cause);
  const others = why.findings.filter((f) => !f.is_cause);
  return (
    <section class="why-findings" aria-label="Causes, the likeliest first">
      <h3>{causes.length === 0 ? 'No clear cause yet' : why.state === 'ok' ? 'Why it failed' : 'Why'}</h3>
      <ol>
        {[...causes, ...others].map((f) => (
          <li key={f.kind + f.title} class={f.is_cause ? 'is-cause' : ''}>
            <div class="why-finding">
              <p class="why-what">{f.title}</p>
              <p class="dim">{said(f.evidence)}</p>
              {f.task && <p class="why-task dim"><Icon name="clock" size={14} /> {taskSpan(f.task, (t) => minuteTime(local(t)))}</p>}
            </div>
            <div class="why-verdict">
              <span>{f.verdict}</span>
              <span class="num dim" data-tip={`confidence ${f.confidence}`}>{Math.round(f.confidence * 100)} % sure</span>
            </div>
          </li>
        ))}
      </ol>
      {why.not.length > 0 && (
        <ul class="why-not" aria-label="What it is not">
          {why.not.map((n) => <li key={n.kind}><Icon name="check" size={14} /> {n.title}</li>)}
        </ul>
      )}
    </section>
  );
}

const phaseName: Record<string, string> = { dns: 'dns', tcp: 'tcp', tls: 'tls', wait: 'first byte', answer: 'first byte', body: 'body', total: 'total' };

function Phases({ why }: { why: Why }) {
  const top = Math.max(1, ...why.phases.map((p) => Math.max(p.ms ?? 0, p.typical_ms ?? 0)));
  return (
    <section>
      <h3>Phases</h3>
      <table class="why-phases">
        <thead class="visually-hidden"><tr><th>Phase</th><th>Share</th><th>Last</th><th>Typical</th></tr></thead>
        <tbody>
          {why.phases.map((p) => (
            <tr key={p.name} class={p.is_slow ? 'is-slow' : ''}>
              <th scope="row">{phaseName[p.name] ?? p.name}</th>
              <td class="wide"><svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                <rect class="meter-track" width="100" height="8" /><rect class="why-phase" width={((p.ms ?? 0) / top) * 100} height="8" />
                {p.typical_ms !== null && <line class="why-typical" x1={(p.typical_ms / top) * 100} x2={(p.typical_ms / top) * 100} y1="0" y2="8" />}
              </svg></td>
              <td class="right num" data-tip={p.ms === null ? 'not measured' : `${p.ms} ms`}>{p.is_slow && <span class="why-slow">◀ <span class="visually-hidden">slow</span></span>}{msText(p.ms)}</td>
              <td class="right num dim" data-tip="as it was when all was well">{p.typical_ms === null ? '' : `typically ${msText(p.typical_ms)}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Errors({ why }: { why: Why }) {
  const top = Math.max(1, ...why.errors.map((e) => e.count));
  return (
    <section>
      <h3>Errors</h3>
      <table class="why-errors">
        <thead class="visually-hidden"><tr><th>Kind</th><th>Share</th><th>How often</th></tr></thead>
        <tbody>
          {why.errors.map((e) => (
            <tr key={e.error_class}>
              <th scope="row">{e.error_class.replaceAll('_', ' ')}</th>
              <td class="wide"><svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="meter-track" width="100" height="8" /><rect class="why-error" width={(e.count / top) * 100} height="8" /></svg></td>
              <td class="right num" data-tip={`${e.count} attempts failed this way`}>{e.count}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Changed({ why }: { why: Why }) {
  return (
    <section>
      <h3>Changed</h3>
      <ul class="why-changed">
        {why.changed.map((c) => {
          const at = time(c.at);
          return <li key={c.at + c.text}><time class="num dim" dateTime={c.at} data-tip={c.at}>{at === null ? '' : pointTime(local(at))}</time> {c.text}</li>;
        })}
      </ul>
    </section>
  );
}

// --- what can be done --------------------------------------------------------------------------------

async function limitTo(server: ServerRow, ms: number, back: number | undefined): Promise<void> {
  const set = (value: number) => api('PATCH', pathOf(server), { connection_timeout_ms: value });
  await act(() => set(ms), `The time limit of ${own(server.name ?? '')} is ${ms / 1000} s`, back === undefined ? undefined : () => {
    void act(() => set(back), `The time limit of ${own(server.name ?? '')} is ${back / 1000} s again`);
  });
}

async function waitFor(server: ServerRow, count: number): Promise<void> {
  const set = (value: number) => api('PATCH', pathOf(server), { fail_after: value });
  const said = (value: number) => `${own(server.name ?? '')} counts as offline after ${value} ${value === 1 ? 'failure' : 'failures in a row'}`;
  const back = server.fail_after ?? 1;
  await act(() => set(count), said(count), () => void act(() => set(back), `${said(back)} again`));
}

function Do({ why, server }: { why: Why; server: ServerRow }) {
  const list = why.advice.filter((a) => a.kind !== 'diagnose'); // which has its button below
  const until = silencedUntil(server, now.value);
  if (list.length === 0 && until === null) return null;
  return (
    <section class="why-do">
      <h3>Do</h3>
      <ul>
        {list.map((a) => <li key={a.kind + a.text}><span>{said(a.text)}</span> <Deed of={a} server={server} /></li>)}
        {until !== null && <li><span>Its alerts are silenced until {endText(until, now.value)}: they neither count nor notify.</span> <ActButton class="small" off={may('operate') ? null : NEEDS_MANAGER} onClick={() => silence(server, null)}>End silence</ActButton></li>}
      </ul>
    </section>
  );
}

/** The button of an advice, where there is one that does what it says. */
function Deed({ of, server }: { of: Advice; server: ServerRow }) {
  const off = may('operate') ? null : NEEDS_MANAGER;
  switch (of.kind) {
    case 'raise_timeout': {
      const ms = raiseTo(server, of);
      if (ms === null) return <span class="dim">{timeLimit(server).isLearned ? 'The learned limit counts now; it follows the answers by itself.' : ''}</span>;
      return <ActButton class="small" off={off} onClick={() => void limitTo(server, ms, server.connection_timeout_ms)}>Raise timeout to {ms / 1000} s</ActButton>;
    }
    case 'wait_for_failures': {
      const count = of.fail_after ?? 0;
      return count > (server.fail_after ?? 1) && <ActButton class="small" off={off} onClick={() => void waitFor(server, count)}>Wait for {count} failures</ActButton>;
    }
    case 'silence':
      if (silencedUntil(server, now.value) !== null) return null;
      if (off) return <ActButton class="small" off={off} onClick={() => undefined}>Silence</ActButton>;
      return (
        <button type="button" class="button small" aria-haspopup="menu" onClick={(e) => openRowMenu({ title: `Silence ${server.name ?? ''}`, record: server, isShort: true, acts: silenceActs(server) }, e)}>
          <Icon name="bell" size={14} /> Silence <Icon name="chevron-down" size={14} />
        </button>
      );
    case 'renew_token': case 'edit_server':
      return <ActButton class="small" off={off} onClick={() => (open.value = { kind: 'edit', id: server.id })}>Edit the server</ActButton>;
    case 'confirm_certificate':
      return <ActButton class="small" off={off} onClick={() => (open.value = { kind: 'trust', id: server.id })}>Compare certificates</ActButton>;
    default:
      return null;
  }
}
