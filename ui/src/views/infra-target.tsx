// infra-target: one machine that is acted on over SSH: what it is, how it is reached, and what is done on it.

import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect } from 'preact/hooks';
import { go, href, route, thing, withQuery } from '../link/route';
import { own } from '../state/own';
import { may } from '../state/store';
import { displayOf, isTold, keyStateOf, targetOf, targetsTopic, type Target } from '../state/targets';
import { jumpsOf, PLATFORMS, tagsOf } from '../state/targetwords';
import { Icon } from '../parts/icon';
import { Ago } from '../parts/num';
import { Empty, Forbidden, Skeleton, Stale } from '../parts/panel';
import { openRowMenu } from '../parts/rowmenu';
import { isOpen, Section, setOpen } from '../parts/section';
import { menuOf, NEEDS_MANAGER, open, setActive, targetHref, terminalHref, whyNoTerminal, whyNot } from './infra-target-acts';
import { TargetDialogs } from './infra-target-dialogs';
import { KeyQuestion, KeyTag, questionOf, SeenAt } from './infra-target-key';
import { Fact, Group } from './infra-server-facts';
import { ActButton } from './infra-server-parts';
import { Command, Fingerprint } from './infra-server-test';
import { TargetActs, TargetOperations } from './work-target';

export function TargetPage({ id }: { id: string }) {
  const target = targetOf(id);
  const name = target ? displayOf(target).name : null;
  useLayoutEffect(() => {
    thing.value = name;
  }, [name]);
  useLayoutEffect(() => () => {
    thing.value = null;
  }, []);
  if (targetsTopic.phase.value === 'refused') return <div class="page"><section class="panel"><Forbidden what="Seeing targets" role="viewer" isPage /></section></div>;
  if (!isTold.value) return <div class="page"><h1>Target</h1><section class="panel"><Skeleton lines={8} label="Waiting for the targets" /></section></div>;
  if (!target) {
    return (
      <div class="page"><section class="panel">
        <Empty icon="terminal" title="This target is not here" isPage>
          It was removed, or the address is wrong.
          <a class="button" href={href('targets')}>All targets</a>
        </Empty>
      </section></div>
    );
  }
  return <Page target={target} />;
}

function Page({ target: t }: { target: Target }) {
  const question = questionOf(t);
  const wish = route.value.query.get('act');
  useEffect(() => {
    if (wish !== 'test') return;
    if (whyNot(t) === null) open.value = { kind: 'test', id: t.id };
    go(withQuery('act', null), 'replace');
  }, [wish]);
  return (
    <div class="page target" key={t.id}>
      <Head target={t} />
      <TargetDialogs />
      {question && <section class="panel target-stop"><KeyQuestion key={`${question.id} ${question.seen_host_key}`} target={question} isPage /></section>}
      {!question && keyStateOf(t) === 'unknown' && (
        <div class="note warn"><Icon name="key-round" /><p>Its host key was not seen yet. Test it, and confirm what it shows: nothing secret is sent to it before.</p></div>
      )}
      <div class="server-columns">
        <div class="column"><TargetOperations target={t} /></div>
        <Section id="details" title="Details" icon="info" open={isOpen('target-details', true)} onToggle={(isOn) => setOpen('target-details', isOn)}>
          {() => <Facts target={t} />}
        </Section>
      </div>
    </div>
  );
}

function Head({ target: t }: { target: Target }) {
  const { name, place } = displayOf(t);
  const isOn = t.is_active !== false;
  const noTerminal = whyNoTerminal(t);
  return (
    <div class="page-head">
      <div>
        <p class="dim"><a href={href('targets')}>Targets</a></p>
        <h1>{name} {t.is_demo && <span class="tag demo">DEMO</span>} <KeyTag target={t} /> {!isOn && <span class="badge quiet">switched off</span>} <Stale topic={targetsTopic} /></h1>
        <p class="dim"><span class="mono">{place}</span>{t.platform && <> · {PLATFORMS[t.platform]}</>}{t.service && <> · <span class="mono">{t.service}</span></>}</p>
      </div>
      <div class="page-acts">
        <TargetActs target={t} />
        <ActButton off={whyNot(t)} onClick={() => (open.value = { kind: 'test', id: t.id })}><Icon name="activity" /> Test</ActButton>
        {noTerminal === null ? <a class="button" href={terminalHref(t)} target="_blank" rel="noopener"><Icon name="terminal" /> Terminal</a>
          : <ActButton off={noTerminal} onClick={() => {}}><Icon name="terminal" /> Terminal</ActButton>}
        <ActButton off={may('operate') ? null : NEEDS_MANAGER} onClick={() => (open.value = { kind: 'edit', id: t.id })}><Icon name="pencil" /> Edit</ActButton>
        <ActButton off={may('operate') ? null : NEEDS_MANAGER} onClick={() => setActive(t, !isOn)}><Icon name={isOn ? 'pause' : 'play'} /> {isOn ? 'Switch off' : 'Switch on'}</ActButton>
        <button type="button" class="button icon-only" aria-haspopup="menu" aria-label={`More actions for ${name}`} onClick={(e) => openRowMenu(menuOf(t), e)}><Icon name="ellipsis" /></button>
      </div>
    </div>
  );
}

function Facts({ target: t }: { target: Target }) {
  const way = jumpsOf(t, targetOf);
  return (
    <div class="facts">
      <Group title="Connection">
        <Fact name="Logs in to"><code>{displayOf(t).place}</code></Fact>
        <Fact name="Reached">{way.length === 0 ? 'directly' : <span class="target-way">{way.map((j) => <a key={j.id} href={targetHref(j)}>{displayOf(j).name}</a>)}<span>{displayOf(t).name}</span></span>}</Fact>
        {t.jump_id && !targetOf(t.jump_id) && <Fact name="Jump host"><span class="outcome crit"><span aria-hidden="true">✖</span> is not there any more</span></Fact>}
        <Fact name="Logs in with">{t.auth?.kind === 'password' ? 'a password, stored encrypted' : 'a private key, stored encrypted'}</Fact>
      </Group>
      <Group title="Host key">
        <Fact name="State"><KeyTag target={t} /></Fact>
        {t.host_key && <Print of={t.host_key} name={`Confirmed${t.host_key_type ? `, ${t.host_key_type}` : ''}`} />}
        {t.seen_host_key && t.seen_host_key !== t.host_key && <Print of={t.seen_host_key} name={`It showed${t.seen_host_key_type ? `, ${t.seen_host_key_type}` : ''}`}><SeenAt target={t} /></Print>}
      </Group>
      {t.auth?.kind === 'key' && <PublicKey target={t} />}
      <Group title="What a restart means">
        <Fact name="Platform">{t.platform ? PLATFORMS[t.platform] : '–'}</Fact>
        {t.platform !== 'custom' && <Fact name="Service">{t.service ? <code>{t.service}</code> : <span class="dim">named each time</span>}</Fact>}
        {t.platform === 'systemd' && <Fact name="With sudo">{t.sudo ? 'yes' : 'no'}</Fact>}
        {t.platform === 'custom' && <Custom target={t} />}
        {t.allows_commands && <Fact name="Own commands">administrators may run them</Fact>}
      </Group>
      <Group title="Notes">
        {t.site && <Fact name="Site">{t.site}</Fact>}
        {tagsOf(t).length > 0 && <Fact name="Tags">{tagsOf(t).map((tag) => <span key={tag} class="tag">{tag}</span>)}</Fact>}
        {t.notes && <Fact name="Notes">{t.notes}</Fact>}
        <Fact name="Added"><Ago at={t.created_at} />{t.created_by && <span class="dim"> by {own(t.created_by.replace(/^key:/, ''))}</span>}</Fact>
        <Fact name="Changed"><Ago at={t.updated_at} /></Fact>
      </Group>
    </div>
  );
}

/** A fingerprint below its name, for it is long. */
function Print({ of, name, children }: { of: string; name: string; children?: ComponentChildren }) {
  return <div class="pair target-print"><dt>{name} {children}</dt><dd><code>{of}</code></dd></div>;
}

function Custom({ target: t }: { target: Target }) {
  const { command, success, failure, prompt } = t.custom ?? {};
  return (
    <>
      <Fact name="Command"><code>{command ?? '–'}</code></Fact>
      {prompt && <Fact name="Typed after"><code>{prompt}</code></Fact>}
      <Fact name="It went well">{success ? <>when it says <code>{success}</code></> : 'when its exit status is 0'}</Fact>
      {failure && <Fact name="It failed">when it says <code>{failure}</code></Fact>}
    </>
  );
}

/** Binnacle keeps the private half alone: what it can say of the public one is its fingerprint. */
function PublicKey({ target: t }: { target: Target }) {
  const port = t.port && t.port !== 22 ? `-p ${t.port} ` : '';
  return (
    <section>
      <h3>Its public key</h3>
      <Fingerprint of={t.auth?.public_key ?? 'not written in clear in an encrypted key'} label="Public half" />
      <p class="dim">The account accepts it when this lists the same fingerprint, on {own(displayOf(t).name)}:</p>
      <Command text="ssh-keygen -lf ~/.ssh/authorized_keys" />
      <p class="dim">Not there? From where the key was made:</p>
      <Command text={`ssh-copy-id -i KEY.pub ${port}${t.username ?? 'USER'}@${t.host ?? 'HOST'}`} />
    </section>
  );
}
