// infra-targets: machines that are acted on over SSH: the list, its filters, and choosing several.

import { useEffect } from 'preact/hooks';
import { go, href, route, withQuery } from '../link/route';
import { targetsOf, type BatchType } from '../state/batch';
import { own } from '../state/own';
import { may, toast, who } from '../state/store';
import { lastOfTarget, useLast } from '../state/targetlast';
import { displayOf, isTold, keyStateOf, matches, targets, targetsTopic, type Target } from '../state/targets';
import { deedOf, KEY_STATES, PLATFORMS, tagsOf, type KeyState } from '../state/targetwords';
import { Select } from '../parts/form';
import { Icon, type IconName } from '../parts/icon';
import { Ago } from '../parts/num';
import { Empty, Forbidden, Skeleton, Stale } from '../parts/panel';
import { openRowMenu } from '../parts/rowmenu';
import { Table, type Column } from '../parts/table';
import { chosen, menuOf, NEEDS_MANAGER, open, targetHref, terminalHref, whyNoTerminal, whyNot } from './infra-target-acts';
import { TargetDialogs } from './infra-target-dialogs';
import { KeyTag } from './infra-target-key';
import { ActButton } from './infra-server-parts';
import { OPERATIONS_OFF, TargetActs } from './work-target';

function choose(id: string, isOn: boolean): void {
  const next = new Set(chosen.peek());
  if (isOn) next.add(id);
  else next.delete(id);
  chosen.value = next;
}

export function TargetsPage() {
  useLast();
  const wantsAdd = route.value.query.get('add') !== null;
  useEffect(() => {
    if (!wantsAdd) return;
    if (may('operate')) open.value = { kind: 'add' };
    else toast('info', `${NEEDS_MANAGER}.`);
    go(withQuery('add', null), 'replace');
  }, [wantsAdd]);
  useEffect(() => () => void (chosen.value = new Set()), []);
  if (targetsTopic.phase.value === 'refused') {
    return <div class="page"><section class="panel"><Forbidden what="Seeing targets" role="viewer" isPage /></section></div>;
  }
  const list = targets.value;
  return (
    <div class="page targets">
      <div class="page-head">
        <div>
          <h1>Targets <Stale topic={targetsTopic} /></h1>
          <p class="dim">Machines that are acted on over SSH: services are restarted, looked at, and proven to stand.</p>
        </div>
        {list.length > 0 && <div class="page-acts"><AddButton /></div>}
      </div>
      {who.value?.operations === false && <div class="note warn"><Icon name="circle-stop" /><p>{OPERATIONS_OFF}. Nothing is begun on these targets; what was done stays in the history.</p></div>}
      {!isTold.value ? <section class="panel"><Skeleton lines={6} label="Waiting for the targets" /></section> : list.length === 0 ? <None /> : <List list={list} />}
      <TargetDialogs />
    </div>
  );
}

function AddButton() {
  return <ActButton class="primary" off={may('operate') ? null : NEEDS_MANAGER} onClick={() => (open.value = { kind: 'add' })}><Icon name="plus" /> Add target</ActButton>;
}

function None() {
  return (
    <section class="panel">
      <Empty icon="terminal" title="No targets yet">
        <p>A target is a machine Binnacle may log in to over SSH, to restart a service and watch it stand again: Linux with systemd, Cisco Voice OS, or a command you write.</p>
        <ol class="target-lesson">
          <li>Make an account and a key for it: <code>ssh-keygen -t ed25519 -f binnacle</code>, then <code>ssh-copy-id -i binnacle.pub binnacle@web3</code></li>
          <li>Add it here. The key is stored encrypted, and never shown again.</li>
          <li>Compare and confirm the host key it shows. Nothing secret is sent to it before, and to no other key after.</li>
        </ol>
        <div class="row center"><AddButton /></div>
      </Empty>
    </section>
  );
}

// --- the list ----------------------------------------------------------------------------------------

function Name({ target: t }: { target: Target }) {
  const { name, place } = displayOf(t);
  return (
    <>
      <a class="vm-name" href={targetHref(t)} data-tip={name}>{name}</a>
      <span class="target-under">
        <span class="dim mono">{place}</span>
        {t.is_active === false && <span class="badge quiet">switched off</span>}
        {t.is_demo && <span class="tag demo">DEMO</span>}
        {t.site && <span class="dim">{t.site}</span>}
        {tagsOf(t).map((tag) => <span key={tag} class="tag">{tag}</span>)}
      </span>
    </>
  );
}

export function Deed({ target: t }: { target: Target }) {
  const op = lastOfTarget.value.get(t.id);
  if (!op) return <span class="dim" data-tip="Nothing was done on it lately, as far as the last operations of all targets say">–</span>;
  const { glyph, level, text } = deedOf(op, t.name ?? '');
  return (
    <a class={`target-deed ${level}`} href={href('operations', { id: op.id })} data-tip={op.error || op.message || undefined}>
      <span aria-hidden="true">{glyph}</span> <span class="target-deed-text">{own(text)}</span> {op.started_at && <span class="dim"><Ago at={op.started_at} /></span>}
    </a>
  );
}

const columns: Column<Target>[] = [
  { id: 'pick', head: 'Choose', isSilent: true, cell: (t) => <label class="target-pick"><input type="checkbox" aria-label={`Choose ${displayOf(t).name}`} checked={chosen.value.has(t.id)} onChange={(e) => choose(t.id, e.currentTarget.checked)} /></label> },
  { id: 'name', head: 'Name', sort: (t) => t.name, cell: (t) => <Name target={t} /> },
  { id: 'platform', head: 'Platform', minor: 1, sort: (t) => t.platform, cell: (t) => <span class="dim">{t.platform ? PLATFORMS[t.platform] : '–'}</span> },
  { id: 'service', head: 'Service', minor: 2, sort: (t) => t.service, cell: (t) => (t.service ? <span class="mono vm-cut" data-tip={t.service}>{t.service}</span> : <span class="dim">–</span>) },
  { id: 'key', head: 'Host key', sort: (t) => Object.keys(KEY_STATES).indexOf(keyStateOf(t)), cell: (t) => <KeyTag target={t} /> },
  { id: 'last', head: 'Last done', isWide: true, minor: 2, sort: (t) => lastOfTarget.value.get(t.id)?.started_at, cell: (t) => <Deed target={t} /> },
  { id: 'act', head: 'Actions', isSilent: true, cell: (t) => <Acts target={t} /> },
];

/** What its state asks for first: its key to be looked at, or what it is there for. */
function Acts({ target: t }: { target: Target }) {
  const { name } = displayOf(t);
  const isKeyKnown = keyStateOf(t) === 'confirmed';
  return (
    <span class="target-row-acts">
      {isKeyKnown || t.is_active === false ? <TargetActs target={t} isSmall /> : <ActButton class="small" label={`Test ${name}`} off={whyNot(t)} onClick={() => (open.value = { kind: 'test', id: t.id })}><Icon name="activity" size={14} /> Test</ActButton>}
      {whyNoTerminal(t) === null && <a class="button small quiet icon-only target-terminal" href={terminalHref(t)} target="_blank" rel="noopener" aria-label={`Terminal on ${name}`} data-tip="Terminal"><Icon name="terminal" size={14} /></a>}
      <button type="button" class="button icon-only small quiet" aria-haspopup="menu" aria-label={`Actions for ${name}`} onClick={(e) => openRowMenu(menuOf(t), e)}><Icon name="ellipsis" /></button>
    </span>
  );
}

function countBy<T>(list: T[], of: (x: T) => string[]): [string, number][] {
  const count = new Map<string, number>();
  for (const x of list) for (const word of of(x)) count.set(word, (count.get(word) ?? 0) + 1);
  return [...count].sort((a, b) => a[0].localeCompare(b[0], undefined, { numeric: true }));
}

const TAGS_SHOWN = 12;

function List({ list }: { list: Target[] }) {
  const { query } = route.value;
  const [q, tag, site, key] = [query.get('q') ?? '', query.get('tag') ?? '', query.get('site') ?? '', query.get('key') ?? ''];
  const found = list.filter((t) => (!q || matches(t, q)) && (!site || t.site === site));
  const byKey = (t: Target) => !key || keyStateOf(t) === key;
  const shown = found.filter((t) => (!tag || tagsOf(t).includes(tag)) && byKey(t));
  const sites = countBy(list, (t) => (t.site ? [t.site] : []));
  const tags = countBy(found.filter(byKey), tagsOf);
  const keys = countBy(found, (t) => [keyStateOf(t)]).filter(([k]) => k !== 'confirmed') as [KeyState, number][];
  const set = (name: string, value: string | null) => go(withQuery(name, value || null), 'replace');
  return (
    <>
      <div class="list-tools">
        <label class="search-box">
          <span class="visually-hidden">Search targets by name, host, service, site or tag</span>
          <Icon name="search" />
          <input type="search" placeholder="Name, host, service or tag" value={q} spellcheck={false} onInput={(e) => set('q', e.currentTarget.value)} />
        </label>
        {(sites.length > 1 || site) && <Select label="Site" value={site} options={[{ id: '', label: 'All sites' }, ...sites.map(([s, n]) => ({ id: s, label: `${s} (${n})` }))]} onChange={(s) => set('site', s)} />}
        {(tags.length > 0 || keys.length > 0 || tag || key) && (
          <nav class="chips" aria-label="Targets by host key and tag">
            <a class="chip" href={href('targets', Object.fromEntries([['q', q], ['site', site]].filter(([, v]) => v)) as Record<string, string>)} aria-current={!tag && !key ? 'true' : undefined}>All <span class="num">{found.length}</span></a>
            {keys.map(([k, n]) => <a key={k} class={`chip key-chip ${KEY_STATES[k].level}`} href={withQuery('key', k === key ? null : k)} aria-current={k === key ? 'true' : undefined}>{KEY_STATES[k].word} <span class="num">{n}</span></a>)}
            {tags.slice(0, TAGS_SHOWN).map(([w, n]) => <a key={`tag ${w}`} class="chip" href={withQuery('tag', w === tag ? null : w)} aria-current={w === tag ? 'true' : undefined}>{w} <span class="num">{n}</span></a>)}
          </nav>
        )}
      </div>
      <Chosen shown={shown} />
      {shown.length === 0 ? (
        <section class="panel"><Empty icon="search" title="No target matches"><a class="button" href={href('targets')}>Show all {list.length}</a></Empty></section>
      ) : (
        <section class="panel" data-topic="work.targets">
          <Table label="Targets" class="target-table" columns={columns} rows={shown} keyOf={(t) => t.id} sort="name" limit={100} menu={menuOf} marked={(t) => chosen.value.has(t.id)} />
        </section>
      )}
    </>
  );
}

/** How many are chosen, and what can be done with them. */
function Chosen({ shown }: { shown: Target[] }) {
  const known = new Set(targets.value.map((t) => t.id));
  const ids = [...chosen.value].filter((id) => known.has(id));
  const inSight = shown.filter((t) => chosen.value.has(t.id)).length;
  const isAll = shown.length > 0 && inSight === shown.length;
  const all = (isOn: boolean) => {
    const next = new Set(ids);
    for (const t of shown) if (isOn) next.add(t.id);
      else next.delete(t.id);
    chosen.value = next;
  };
  return (
    <div class={`target-chosen ${ids.length > 0 ? 'is-on' : ''}`} role="group" aria-label="Chosen targets">
      <label><input type="checkbox" aria-label={`Choose all ${shown.length}`} checked={isAll} ref={(box) => {
        if (box) box.indeterminate = inSight > 0 && !isAll;
      }} onChange={(e) => all(e.currentTarget.checked)} /> <span role="status">{ids.length === 0 ? `Choose all ${shown.length}` : `${ids.length} chosen${ids.length > inSight ? `, ${ids.length - inSight} of them not in sight` : ''}`}</span></label>
      {ids.length > 0 && <button type="button" class="link" onClick={() => (chosen.value = new Set())}>Clear</button>}
      {ids.length > 0 && <ChosenActs ids={ids} />}
    </div>
  );
}

const kinds: [BatchType, string, IconName][] = [['service_status', 'Status of a service …', 'activity'], ['logs', 'Journal of a service …', 'scroll-text'], ['ssh_test', 'Test SSH …', 'terminal']];

function ChosenActs({ ids }: { ids: string[] }) {
  const off = who.value?.operations === false ? OPERATIONS_OFF : may('operate') ? null : NEEDS_MANAGER;
  const ask = (type: BatchType) => (open.value = { kind: 'batch', type, ids });
  return (
    <span class="target-chosen-acts">
      <ActButton class="restart small" off={off} onClick={() => ask('service_restart')}><Icon name="server" size={14} /> Restart a service on {targetsOf(ids.length)}…</ActButton>
      {!off && <button type="button" class="button small" aria-haspopup="menu" onClick={(e) => openRowMenu({ title: targetsOf(ids.length), record: ids, isShort: true, acts: kinds.map(([type, label, icon]) => ({ label, icon, run: () => void ask(type) })) }, e)}>Other <Icon name="chevron-down" size={14} /></button>}
    </span>
  );
}
