// host-cores: each processor as a bar now and as a row of heat over the range.

import { effect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Feed } from '../state/follow';
import { pixels } from '../state/history';
import { dateTime, line, percent } from '../state/format';
import { cores, hostTopic, isDark, levelOf, rows } from '../state/store';
import { Panel, Skeleton } from '../parts/panel';

export function Cores({ feed }: { feed: Feed }) {
  const list = rows(cores.value);
  const mhz = list.map((c) => c.mhz).filter((v): v is number => v !== undefined);
  const aside = mhz.length > 0 && (
    <span class="dim num" data-tip={`fastest core ${Math.max(...mhz).toFixed(0)} MHz, slowest ${Math.min(...mhz).toFixed(0)} MHz`}>
      {(Math.max(...mhz) / 1000).toFixed(2)} GHz
    </span>
  );
  return (
    <Panel title={<>Cores <span class="dim num" data-tip={`${list.length} processors that are online`}>{list.length || ''}</span></>} icon="cpu" id="cores" topic={hostTopic} aside={aside}>
      {list.length === 0 ? <Skeleton lines={2} /> : (
        <div class="cores">
          <ul class={`core-bars ${list.length > 16 ? 'many' : ''}`}>
            {list.map((c) => {
              const shown = percent(c.busy_pct);
              return (
                <li key={c.id} class={`core ${levelOf(c.busy_pct)}`} data-tip={`Core ${c.id}: ${shown.exact}${c.mhz ? `, ${c.mhz.toFixed(0)} MHz` : ''}`}>
                  <span class="core-id num">{c.id}</span>
                  <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                    <rect class="meter-track" width="100" height="8" />
                    <rect class="meter-fill" width={Math.min(100, c.busy_pct ?? 0)} height="8" />
                  </svg>
                  <span class="core-pct num">{line(shown)}</span>
                </li>
              );
            })}
          </ul>
          {list.length <= 64 && <Heat feed={feed} ids={list.map((c) => c.id)} />}
        </div>
      )}
    </Panel>
  );
}

const ROW = 12;

/** One row a core, one column a point; the stronger the colour, the busier. Unmeasured stays blank. */
function Heat({ feed, ids }: { feed: Feed; ids: string[] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const key = ids.join();
  const row = ids.length > 24 ? 7 : ROW;

  useEffect(() => {
    const c = canvas.current!;
    const draw = () => {
      const track = feed.track;
      const width = c.clientWidth;
      const scale = window.devicePixelRatio || 1;
      c.width = Math.max(1, Math.round(width * scale));
      c.height = Math.round(ids.length * row * scale);
      const paint = c.getContext('2d');
      if (!paint || !track || track.size === 0) return;
      paint.fillStyle = getComputedStyle(c).color;
      const span = feed.range.peek().span_ms;
      const px = (c.width * track.step) / span;
      ids.forEach((id, r) => {
        const cells = track.get(`core/${id}.busy_pct`).avg;
        for (const [x, v] of pixels(cells, c.width, px)) {
          paint.globalAlpha = 0.06 + 0.94 * Math.min(1, v / 100);
          paint.fillRect(x, r * row * scale, Math.ceil(px) + (px < 1 ? 0 : 0.5), (row - 1) * scale);
        }
      });
    };
    const stop = effect(() => {
      void feed.version.value;
      void isDark.value;
      draw();
    });
    const size = new ResizeObserver(draw);
    size.observe(c);
    return () => {
      stop();
      size.disconnect();
    };
  }, [feed, key]);

  function point(e: PointerEvent): void {
    const c = canvas.current!;
    const track = feed.track;
    if (!track) return;
    const box = c.getBoundingClientRect();
    const id = ids[Math.min(ids.length - 1, Math.floor(((e.clientY - box.top) / box.height) * ids.length))]!;
    const at = track.end + track.step - (1 - (e.clientX - box.left) / box.width) * feed.range.peek().span_ms;
    const cells = track.get(`core/${id}.busy_pct`).avg;
    const i = Math.floor((at - (track.end - (cells.length - 1) * track.step)) / track.step);
    const v = i >= 0 ? cells[i] : null;
    c.title = `Core ${id}, ${dateTime(at)}: ${v == null ? 'not measured' : line(percent(v))}`;
  }

  return (
    <div class="heat">
      <canvas ref={canvas} height={ids.length * row} role="img" onPointerMove={point}
        aria-label={`Busy share of each core, ${feed.range.value.words}`} />
      <p class="heat-scale"><span>{feed.range.value.words}</span><span>0 %</span><i /><span>100 % busy</span></p>
    </div>
  );
}
