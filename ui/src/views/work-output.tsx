// work-output: what a command writes, while it does; the tail follows until somebody scrolls, and what was cut is said.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { bytes, line } from '../state/format';
import { gapBefore } from '../state/output';
import { operationsTopic } from '../state/operations';
import { openOutput, wholeOutput } from '../state/outputs';
import { act } from '../state/store';
import { Icon } from '../parts/icon';
import { Failure, Skeleton } from '../parts/panel';
import { saveAs } from './work-save';

const NEAR_PX = 24; // from the end: still following

export function OutputView({ id, isActive }: { id: string; isActive: boolean }) {
  const output = useMemo(() => openOutput(id, isActive), [id]);
  useLayoutEffect(() => output.stop, [output]);
  useEffect(() => {
    if (!isActive) output.ended();
  }, [output, isActive]);
  const [isWrapped, wrap] = useState(true);
  const [isFollowing, follow] = useState(isActive);
  const [isLong, setLong] = useState(false); // longer than what is in sight
  const box = useRef<HTMLDivElement>(null);
  const moved = useRef(0); // where we scrolled to ourselves
  const blocks = output.blocks.value;

  useLayoutEffect(() => {
    if (!box.current) return;
    setLong(box.current.scrollHeight - box.current.clientHeight > NEAR_PX);
    if (!isFollowing) return;
    box.current.scrollTop = box.current.scrollHeight;
    moved.current = box.current.scrollTop;
  }, [blocks, isFollowing, isWrapped, isActive]);

  useEffect(() => {
    const key = (e: KeyboardEvent) => {
      if (e.key !== 'w' || e.ctrlKey || e.metaKey || e.altKey || (e.target as Element).closest('input, textarea, select')) return;
      e.preventDefault();
      wrap((was) => !was);
    };
    document.addEventListener('keydown', key);
    return () => document.removeEventListener('keydown', key);
  }, []);

  function scrolled(e: Event): void {
    const at = e.currentTarget as HTMLDivElement;
    const isAtEnd = at.scrollHeight - at.scrollTop - at.clientHeight <= NEAR_PX;
    if (isAtEnd) follow(true);
    else if (at.scrollTop < moved.current) follow(false); // up: by a person, for what comes only makes it longer
    moved.current = at.scrollTop;
  }

  const error = output.error.value;
  const isAway = operationsTopic.phase.value === 'cached';
  return (
    <section class="output" aria-label="Output">
      <header class="output-head">
        <h3>Output</h3>
        {isActive && <span class={`output-state ${isFollowing && !isAway ? '' : 'is-held'}`} role="status">{isAway ? '⋯ goes on when Binnacle answers' : isFollowing ? '● follows' : '‖ paused, the end goes on below'}</span>}
        <span class="output-acts">
          {!isFollowing && isLong && <button type="button" class="button small" onClick={() => follow(true)}><Icon name="arrow-down" size={14} /> To the end</button>}
          {blocks.length > 0 && <button type="button" class="button small quiet" aria-pressed={isWrapped} aria-keyshortcuts="w" data-tip="Wrap long lines (w)" onClick={() => wrap(!isWrapped)}>Wrap</button>}
          {blocks.length > 0 && <button type="button" class="button small quiet" data-tip="Everything that is kept of it, as a file" onClick={() => void act(() => save(id))}><Icon name="download" size={14} /> Save</button>}
        </span>
      </header>
      {error && <Failure error={error} retry={output.again} />}
      {blocks.length > 0 ? (
        <div class={`output-text ${isWrapped ? 'is-wrapped' : ''} ${isActive ? '' : 'is-over'}`} ref={box} tabIndex={0} role="log" aria-live="off" aria-label="What the command writes" onScroll={scrolled}>
          {blocks.map((block, i) => {
            const gap = gapBefore(blocks, i);
            return (
              <span key={block.at}>
                {gap > 0 && <span class={`output-cut ${block.isCut ? '' : 'is-coming'}`} data-tip={block.isCut ? 'The beginning and the end are kept' : 'It is being asked for'}>{block.isCut ? `✂ cut ${line(bytes(gap))} here` : `… ${line(bytes(gap))} on their way`}</span>}
                {block.text}
              </span>
            );
          })}
        </div>
      ) : !output.isRead.value && !error ? <Skeleton lines={2} label="Output" /> : !error && <p class="output-none dim">{isActive ? 'It has written nothing yet.' : 'It wrote nothing.'}</p>}
    </section>
  );
}

async function save(id: string): Promise<void> {
  saveAs(`output-${id}.txt`, new Blob([await wholeOutput(id)], { type: 'text/plain' }));
}
