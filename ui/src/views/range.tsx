// range: how far back the charts of a page go; the address keeps it, the keys 1 to 6 choose it.

import { useSignal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { go, route, withQuery } from '../link/route';
import { rangeById, ranges, type Range } from '../state/history';
import { Choice } from '../parts/form';

function choose(id: string): void {
  go(withQuery('range', id), 'replace');
}

export function useRange(): Signal<Range> {
  const wanted = rangeById(route.value.query.get('range'));
  const range = useSignal(wanted);
  useEffect(() => {
    range.value = wanted;
  }, [wanted]);
  useEffect(() => {
    const key = (e: KeyboardEvent) => {
      if (e.ctrlKey || e.metaKey || e.altKey || (e.target as Element).closest('input, select, textarea, dialog')) return;
      const r = /^[1-6]$/.test(e.key) ? ranges[Number(e.key) - 1] : undefined;
      if (r) choose(r.id);
    };
    document.addEventListener('keydown', key);
    return () => document.removeEventListener('keydown', key);
  }, []);
  return range;
}

export function Ranges({ of }: { of: Signal<Range> }) {
  return (
    <Choice label="Range of the charts" class="ranges" value={of.value.id} onChange={choose}
      options={ranges.map((r) => ({ id: r.id, label: r.label, words: r.words }))} />
  );
}
