import { useEffect, useState } from 'preact/hooks';
import { api } from '../link/api';
import { go, href, route } from '../link/route';
import { duration } from '../state/format';
import { entered, now } from '../state/store';
import { Field, useSend } from '../parts/form';
import { Icon } from '../parts/icon';
import { Failure } from '../parts/panel';
import { Gate, Throttled } from './gate';

export function Login({ note }: { note: string }) {
  const [username, setName] = useState('');
  const [password, setPassword] = useState('');
  const [until, setUntil] = useState(0);
  const { error, isBusy, send, forget } = useSend();
  const wait = until - now.value;
  const isThrottled = wait > 0;

  useEffect(() => {
    if (until > 0 && !isThrottled) forget();
  }, [isThrottled]);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    if (isBusy || isThrottled) return;
    const refused = await send(async () => {
      await api('POST', 'api/v1/session', { username, password });
      await entered();
      if (route.peek().page === 'login' || route.peek().page === 'setup') go(href(''), 'replace');
    });
    if (refused?.status === 401) setPassword('');
    if (refused && refused.retryAfterS !== null) setUntil(Date.now() + refused.retryAfterS * 1000);
  }

  return (
    <Gate title="Log in">
      {note && !error && <p class="note"><Icon name="info" /> {note}</p>}
      <form onSubmit={(e) => void submit(e)} noValidate>
        <Field label="User name" name="username" value={username} onInput={setName} autocomplete="username" autofocus required maxLength={63} />
        <Field label="Password" name="password" type="password" value={password} onInput={setPassword} autocomplete="current-password" required />
        {error && !isThrottled && <Failure error={error} />}
        {error && isThrottled && <Throttled error={error} wait={wait}>Nobody is locked out for good, and your password is unchanged.</Throttled>}
        <button type="submit" class="button primary wide" disabled={isBusy || isThrottled || username === '' || password === ''}>
          {isBusy ? 'Checking…' : isThrottled ? `Wait ${duration(wait)}` : 'Log in'}
        </button>
      </form>
    </Gate>
  );
}
