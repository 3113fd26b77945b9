// lazy: a page fetched when first shown, with the styles of all such pages; its skeleton stands at once.

import type { ComponentType, VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Skeleton } from './panel';

let sheet: Promise<void> | null = null;

/** What stands in style/more.css, before the first page that needs it is drawn. */
function styles(): Promise<void> {
  sheet ??= new Promise((done, failed) => {
    const href = document.querySelector<HTMLLinkElement>('link[data-more]')?.dataset['more'];
    if (!href) return done();
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = href;
    link.onload = () => done();
    link.onerror = () => {
      sheet = null;
      link.remove();
      failed(new Error('the styles could not be fetched'));
    };
    document.head.append(link);
  });
  return sheet;
}

export interface LazyView<P> {
  (props: P): VNode;
  /** Fetches it before it is asked for. */
  ahead(): void;
}

export function lazy<P extends object = object>(fetchIt: () => Promise<ComponentType<P>>,
  placeholder: () => VNode = () => <div class="panel"><Skeleton lines={6} label="Loading page" /></div>): LazyView<P> {
  let found: ComponentType<P> | null = null;
  let pending: Promise<void> | null = null;
  const load = () => {
    pending ??= Promise.all([fetchIt(), styles()]).then(([view]) => {
      found = view;
    });
    pending.catch(() => {
      pending = null; // the next one to look tries again
    });
    return pending;
  };
  const Lazy = (props: P): VNode => {
    const [, redraw] = useState(0);
    const [isBroken, setBroken] = useState(false);
    useEffect(() => {
      if (found) return;
      load().then(
        () => redraw(1),
        () => setBroken(true),
      );
    }, []);
    if (found) {
      const View = found;
      return <View {...props} />;
    }
    if (isBroken) {
      return (
        <div class="panel failure" role="alert">
          <div class="failure-body">
            <p>This page could not be fetched from the server. It may be restarting, or have been updated since this tab was opened.</p>
            <button type="button" class="button small" onClick={() => location.reload()}>Reload</button>
          </div>
        </div>
      );
    }
    return placeholder();
  };
  Lazy.ahead = () => void load().catch(() => {});
  return Lazy;
}
