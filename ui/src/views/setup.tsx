// setup: the first person in gets the house; the code from the terminal proves they own the machine.

import { useEffect, useState } from 'preact/hooks';
import { api } from '../link/api';
import { go, href } from '../link/route';
import { clockTime, dateTime, duration, time } from '../state/format';
import { enter, entered, now, type Setup } from '../state/store';
import { Field, Strength, useSend } from '../parts/form';
import { PASSWORD_MIN, strength } from '../state/strength';
import { Icon } from '../parts/icon';
import { Failure } from '../parts/panel';
import { Gate, Throttled } from './gate';

function codeFromAddress(): string {
  return new URLSearchParams(location.hash.slice(1)).get('c') ?? '';
}

export function SetupPage({ setup }: { setup: Setup | null }) {
  return setup?.needed ? <SetupForm /> : <SetupDone />;
}

function SetupForm() {
  const [code, setCode] = useState(codeFromAddress);
  const [given] = useState(codeFromAddress);
  const wasGiven = given !== '';
  const [username, setName] = useState('');
  const [password, setPassword] = useState('');
  const [until, setUntil] = useState(0);
  const { error, isBusy, send, field } = useSend();
  const wait = until - now.value;

  useEffect(() => {
    // A setup link opened a second time in the same tab brings its code too.
    const changed = () => codeFromAddress() && setCode(codeFromAddress());
    window.addEventListener('hashchange', changed);
    return () => window.removeEventListener('hashchange', changed);
  }, []);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    if (isBusy || wait > 0) return;
    const refused = await send(async () => {
      await api('POST', 'api/v1/setup', { code: code.trim(), username: username.trim(), password });
      go(href(''), 'replace'); // the code leaves the address bar
      await entered();
    });
    if (refused && refused.retryAfterS !== null) setUntil(Date.now() + refused.retryAfterS * 1000);
    if (refused?.status === 409) await enter();
  }

  const isOver = until > 0 && wait <= 0 && error?.retryAfterS != null; // it was waited for
  const isReady = code.trim() !== '' && username.trim() !== '' && strength(password, username).score >= 1;
  const hasPlace = error?.field === 'code' || error?.field === 'username' || error?.field === 'password';
  return (
    <Gate title="Make it yours" lead="Choose the first user. This takes half a minute; this machine is then already on screen.">
      <form onSubmit={(e) => void submit(e)} noValidate>
        <Field label="Setup code" name="code" value={code} onInput={setCode} mono error={field('code')} autofocus={!wasGiven}
          hint={field('code') ? null : wasGiven && code === given ? 'Filled in from the link in your terminal.' : <>Printed in the terminal at the start; again by <code>binnacle setup-url</code>.</>} />
        <Field label="User name" name="username" value={username} onInput={setName} autocomplete="username" autofocus={wasGiven}
          error={field('username')} maxLength={63} hint="Letters, digits and . _ - @" />
        <Field label="Password" name="password" type="password" value={password} onInput={setPassword} autocomplete="new-password"
          error={field('password')} hint={`${PASSWORD_MIN} to 128 characters, any kind. Pasting from a password manager is welcome.`}>
          <Strength password={password} userName={username} />
        </Field>
        {error && !hasPlace && wait <= 0 && !isOver && <Failure error={error} />}
        {error && wait > 0 && <Throttled error={error} wait={wait}>The code stays good.</Throttled>}
        <button type="submit" class="button primary wide" disabled={isBusy || wait > 0 || !isReady}>
          {isBusy ? 'Creating…' : wait > 0 ? `Wait ${duration(wait)}` : 'Create user and go in'}
        </button>
      </form>
    </Gate>
  );
}

function SetupDone() {
  const [setup, setSetup] = useState<Setup | null>(null);
  useEffect(() => {
    api<Setup>('GET', 'api/v1/setup').then(setSetup, () => setSetup(null));
  }, []);
  const at = time(setup?.done_at);
  const when = at === null ? '' : now.value - at < 86_400_000 ? ` at ${clockTime(at).slice(0, 5)}` : ` on ${dateTime(at)}`;
  return (
    <Gate title="Already set up">
      <p class="note">
        <Icon name="shield-check" />
        <span>
          The first user{setup?.done_by ? <>, <strong>{setup.done_by}</strong>,</> : ''} was created{when}. Not you? On the machine, this prints a new code for its owner; the audit shows who came before.
          <code class="command">binnacle setup-url --reset --data DIR</code>
        </span>
      </p>
      <a class="button primary wide" href={href('login')}>Go to login</a>
    </Gate>
  );
}
