// panel: a card that says its own state: loading, live, cached with its age, empty, refused, failed.

import type { ComponentChildren } from 'preact';
import { useComputed } from '@preact/signals';
import type { ApiError } from '../link/api';
import type { Topic } from '../link/topics';
import { duration } from '../state/format';
import { copy, hostTopic, indicator, now } from '../state/store';
import { Icon, type IconName } from './icon';

interface PanelProps {
  title: ComponentChildren;
  icon?: IconName;
  id?: string;
  class?: string;
  aside?: ComponentChildren;
  topic?: Topic | null; // whose data this is; null: not live data
  children: ComponentChildren;
}

export function Panel({ title, icon, id, class: name = '', aside, topic = null, children }: PanelProps) {
  const heading = id ? `${id}-title` : undefined;
  return (
    <section class={`panel ${name}`} id={id} data-topic={topic?.name} aria-labelledby={heading} tabIndex={id ? -1 : undefined}>
      <header class="panel-head">
        <h2 id={heading}>
          {icon && <Icon name={icon} />}
          {title}
        </h2>
        {topic && <Stale topic={topic} />}
        <div class="panel-aside">{aside}</div>
      </header>
      {children}
    </section>
  );
}

/** "Last known, 12 s" on a panel whose data is not live; nothing while it is. */
export function Stale({ topic = hostTopic }: { topic?: Topic }) {
  const text = useComputed(() => {
    const at = topic.at.value;
    if (at === 0 || topic.phase.value === 'loading') return '';
    const isOld = topic.phase.value === 'cached' || indicator.value.kind !== 'live';
    return isOld ? `Last known, ${duration(Math.max(0, now.value - at))} old` : '';
  });
  return text.value === '' ? null : <span class="badge warn">{text}</span>;
}

interface EmptyProps {
  icon?: IconName;
  title: string;
  isPage?: boolean; // all there is of the page: its heading
  children?: ComponentChildren;
}

export function Empty({ icon = 'info', title, isPage, children }: EmptyProps) {
  return (
    <div class="empty">
      <Icon name={icon} size={22} />
      {isPage ? <h1 class="empty-title">{title}</h1> : <p class="empty-title">{title}</p>}
      {children && <div class="empty-text">{children}</div>}
    </div>
  );
}

/** A sentence of the server; what stands in backticks is to be typed. */
export function said(text: string): ComponentChildren {
  return text.split('`').map((part, i) => (i % 2 === 1 ? <code key={i}>{part}</code> : part));
}

/** What happened, what to do, and the code and request id that find it in the log. */
export function Failure({ error, retry }: { error: ApiError; retry?: () => void }) {
  return (
    <div class="failure" role="alert">
      <Icon name="circle-alert" size={18} />
      <div class="failure-body">
        <p>{said(error.message)}</p>
        <Hint text={error.hint} />
        <ErrorCode error={error} />
        {retry && <div class="row"><button type="button" class="button small" onClick={retry}>Try again</button></div>}
      </div>
    </div>
  );
}

/** What to do about it: a command for a shell of the Proxmox VE host with a button that copies it, or a sentence. */
export function Hint({ text }: { text: string | null | undefined }) {
  if (!text) return null;
  if (!/^(sudo )?(pve\w+|qm) /.test(text)) return <p>{said(text)}</p>;
  return (
    <div class="hint">
      <p>Run this as root on {/qm /.test(text) ? 'its node' : 'one of its nodes'}:</p>
      <code class="command">{text}</code>
      <button type="button" class="button small" onClick={() => void copy(text, 'Command')}><Icon name="copy" size={14} /> Copy command</button>
    </div>
  );
}

/** What finds it in the log of the server, and all of it for the clipboard. */
export function ErrorCode({ error }: { error: ApiError }) {
  return (
    <p class="failure-code">
      <code>{error.code}</code>
      {error.requestId && <> · req <code>{error.requestId}</code></>}
      {' · '}<button type="button" class="link" onClick={() => void copy(error.details(), 'Details')}>Copy details</button>
    </p>
  );
}

export function Forbidden({ what, role, isPage }: { what: string; role: string; isPage?: boolean }) {
  return (
    <Empty icon="lock" isPage={isPage ?? false} title={`${what} needs the role ${role}`}>
      Somebody with the role admin can give it to you under Settings, Users.
    </Empty>
  );
}

/** Grey lines in the shape of what will come. */
export function Skeleton({ lines = 3, label = 'Loading' }: { lines?: number; label?: string }) {
  return (
    <div class="skeleton" role="status" aria-label={label}>
      {Array.from({ length: lines }, (_, i) => <span key={i} class={`skeleton-line w${i % 4}`} />)}
    </div>
  );
}
