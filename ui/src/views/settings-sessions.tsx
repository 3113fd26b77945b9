import { api } from '../link/api';
import type { Session } from '../model.gen';
import { useAsk } from '../state/ask';
import { act } from '../state/store';
import { Answer } from '../parts/asked';
import { Ago } from '../parts/num';
import { Panel } from '../parts/panel';
import { Table, type Column } from '../parts/table';

type Row = Session & { id: string; is_current?: boolean };

/** "Firefox 132 on Linux" of a user agent; the whole text stays in the tooltip. */
export function browser(agent: string | undefined): string {
  if (!agent) return 'Unknown program';
  const brands: [RegExp, string][] = [[/Edg\/(\d+)/, 'Edge'], [/OPR\/(\d+)/, 'Opera'], [/Firefox\/(\d+)/, 'Firefox'], [/Chrome\/(\d+)/, 'Chrome'], [/Version\/(\d+).*Safari/, 'Safari']];
  const systems: [RegExp, string][] = [[/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Windows/, 'Windows'], [/Mac OS X/, 'macOS'], [/CrOS/, 'ChromeOS'], [/Linux/, 'Linux']];
  const brand = brands.map(([re, name]) => [re.exec(agent), name] as const).find(([m]) => m);
  const system = systems.find(([re]) => re.test(agent))?.[1];
  if (!brand) return agent.split(/[\s(]/)[0] || agent;
  return `${brand[1]} ${brand[0]![1]}${system ? ` on ${system}` : ''}`;
}

export function Sessions() {
  const asked = useAsk<{ sessions: Row[] }>('api/v1/sessions');
  const end = async (row: Row) => {
    if (await act(() => api('DELETE', `api/v1/sessions/${encodeURIComponent(row.id)}`), 'Session ended')) await asked.again();
  };
  const endOthers = async () => {
    if (await act(() => api('DELETE', 'api/v1/sessions'), 'All other sessions are ended')) await asked.again();
  };
  const columns: Column<Row>[] = [
    { id: 'agent', head: 'Browser', sort: (s) => browser(s.agent), cell: (s) => (
      <>
        <span class="cell-name" data-tip={s.agent}>{browser(s.agent)}</span>
        {s.is_current && <> <span class="badge ok">this one</span></>}
      </>
    ) },
    { id: 'address', head: 'From', minor: 2, sort: (s) => s.address, cell: (s) => <span class="mono">{s.address ?? '–'}</span> },
    { id: 'seen', head: 'Last seen', sort: (s) => s.seen_at, cell: (s) => <Ago at={s.seen_at} /> },
    { id: 'created', head: 'Logged in', minor: 2, sort: (s) => s.created_at, cell: (s) => <Ago at={s.created_at} /> },
    { id: 'expires', head: 'Ends', minor: 2, sort: (s) => s.expires_at, cell: (s) => <Ago at={s.expires_at} /> },
    { id: 'act', head: 'Act', isSilent: true, isNumber: true, cell: (s) => s.is_current ? null : <button type="button" class="button small danger" aria-label={`End session from ${s.address ?? 'unknown'}`} onClick={() => void end(s)}>End</button> },
  ];
  const others = asked.value.value?.sessions.filter((s) => !s.is_current).length ?? 0;
  return (
    <Panel title="Sessions" icon="laptop"
      aside={others > 0 && <button type="button" class="button small danger" onClick={() => void endOthers()}>End {others} other{others === 1 ? '' : 's'}</button>}>
      <p class="panel-body dim">Browsers that are logged in as you. An ended one loses its live connection within a second.</p>
      <Answer of={asked}>{(v) => <Table label="Sessions" columns={columns} rows={v.sessions} keyOf={(s) => s.id} sort="-seen"
        menu={(s) => ({ title: `${browser(s.agent)}, ${s.address ?? 'unknown address'}`, record: s, acts: [!s.is_current && { label: 'End', icon: 'x', run: () => void end(s) }] })} />}</Answer>
    </Panel>
  );
}
