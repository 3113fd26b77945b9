import { useState } from 'preact/hooks';
import { api } from '../link/api';
import { toast, who } from '../state/store';
import { Field, Strength, useSend } from '../parts/form';
import { PASSWORD_MIN, strength } from '../state/strength';
import { Failure, Panel } from '../parts/panel';

export function Password() {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const { error, isBusy, send, field } = useSend();
  const name = who.value?.user?.name ?? '';

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    await send(async () => {
      await api('POST', 'api/v1/password', { current, new: next });
      setCurrent('');
      setNext('');
      toast('ok', 'Password changed. All your other sessions are ended.');
    });
  }

  return (
    <Panel title="Password" icon="lock">
      <form class="panel-body form-narrow" onSubmit={(e) => void submit(e)} noValidate>
        <input class="visually-hidden" type="text" name="username" autocomplete="username" value={name} readOnly tabIndex={-1} aria-hidden="true" />
        <Field label="Current password" name="current" type="password" value={current} onInput={setCurrent} autocomplete="current-password" error={field('current')} />
        <Field label="New password" name="new" type="password" value={next} onInput={setNext} autocomplete="new-password" error={field('new')}
          hint={`${PASSWORD_MIN} to 128 characters, any kind.`}>
          <Strength password={next} userName={name} />
        </Field>
        {error && !field('current') && !field('new') && <Failure error={error} />}
        <p class="dim">Changing it ends every other session of yours at once; this one stays.</p>
        <div><button type="submit" class="button primary" disabled={isBusy || current === '' || strength(next, name).score < 1}>{isBusy ? 'Changing…' : 'Change password'}</button></div>
      </form>
    </Panel>
  );
}
