// form: labelled fields with their error beside them, and the buttons that go with them.

import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { ApiError } from '../link/api';
import { strength } from '../state/strength';
import { Icon } from './icon';
import { said } from './panel';

/** One sending of a form at a time, and what the server said against the last: of a field, beside it. */
export function useSend() {
  const [error, setError] = useState<ApiError | null>(null);
  const [isBusy, setBusy] = useState(false);

  /** Answers what was said against it. */
  async function send(work: () => Promise<void>): Promise<ApiError | null> {
    setBusy(true);
    setError(null);
    try {
      await work();
      return null;
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      setError(cause);
      return cause;
    } finally {
      setBusy(false);
    }
  }

  return { error, isBusy, send, forget: () => setError(null), field: (name: string) => (error?.field === name ? error.message : null) };
}

interface FieldProps {
  label: string;
  name: string;
  value: string;
  onInput: (value: string) => void;
  type?: 'text' | 'password' | 'date';
  hint?: ComponentChildren;
  error?: string | null;
  autocomplete?: string;
  autofocus?: boolean;
  required?: boolean;
  mono?: boolean;
  maxLength?: number;
  secret?: string; // what the eye shows: password
  inputMode?: 'numeric';
  placeholder?: string;
  onPaste?: (event: ClipboardEvent) => void;
  onBlur?: () => void;
  children?: ComponentChildren; // below the input: a strength meter
}

export function Field(p: FieldProps) {
  const id = useId();
  const [isShown, show] = useState(false);
  const isPassword = p.type === 'password';
  const about = [p.hint ? `${id}-hint` : '', p.error ? `${id}-error` : ''].filter(Boolean).join(' ');
  return (
    <div class={`field ${p.error ? 'has-error' : ''}`}>
      <label for={id}>{p.label}</label>
      <div class="field-box">
        <input id={id} name={p.name} value={p.value} class={p.mono ? 'mono' : ''}
          type={(isPassword && isShown ? 'text' : (p.type ?? 'text')) as 'text'}
          autocomplete={p.autocomplete ?? 'off'} autofocus={p.autofocus} required={p.required}
          maxLength={p.maxLength} spellcheck={false} autocapitalize="none" inputMode={p.inputMode} placeholder={p.placeholder}
          onPaste={p.onPaste} onBlur={p.onBlur}
          aria-invalid={p.error ? true : undefined} aria-describedby={about || undefined}
          onInput={(e) => p.onInput(e.currentTarget.value)} />
        {isPassword && (
          <button type="button" class="field-eye" aria-label={`${isShown ? 'Hide' : 'Show'} ${p.secret ?? 'password'}`}
            aria-pressed={isShown} onClick={() => show(!isShown)}>
            <Icon name={isShown ? 'eye-off' : 'eye'} />
          </button>
        )}
      </div>
      {p.children}
      {p.hint && <p class="field-hint" id={`${id}-hint`}>{p.hint}</p>}
      {p.error && <p class="field-error" id={`${id}-error`}><Icon name="circle-alert" size={14} /> {said(p.error)}</p>}
    </div>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  options: readonly { id: T; label: ComponentChildren; words?: string }[];
  onChange: (value: T) => void;
  class?: string;
}

/** One of a few, all visible; a radio group to readers and the keyboard. */
export function Choice<T extends string>({ label, value, options, onChange, class: name = '' }: ChoiceProps<T>) {
  const group = useId();
  return (
    <div class={`choice ${name}`} role="radiogroup" aria-label={label}>
      {options.map((o) => (
        <label key={o.id} class={o.id === value ? 'is-on' : ''}>
          <input type="radio" name={group} value={o.id} checked={o.id === value} aria-label={o.words}
            onChange={() => onChange(o.id)} />
          <span>{o.label}</span>
        </label>
      ))}
    </div>
  );
}

export function Select({ label, value, options, onChange }: {
  label: string; value: string; options: { id: string; label: string }[]; onChange: (value: string) => void;
}) {
  return (
    <span class="select">
      <select aria-label={label} value={value} onChange={(e) => onChange(e.currentTarget.value)}>
        {options.map((o) => <option key={o.id} value={o.id}>{o.label}</option>)}
      </select>
      <Icon name="chevron-down" size={14} />
    </span>
  );
}

/** On or off, at once; with what it means below. */
export function Switch({ label, name, value, onChange, children }: {
  label: ComponentChildren; name: string; value: boolean; onChange: (value: boolean) => void; children?: ComponentChildren;
}) {
  const id = useId();
  return (
    <div class="field switch">
      <label>
        <input type="checkbox" role="switch" name={name} checked={value} aria-describedby={children ? id : undefined} onChange={(e) => onChange(e.currentTarget.checked)} />
        <span>{label}</span>
      </label>
      {children && <div class="field-hint" id={id}>{children}</div>}
    </div>
  );
}

interface SliderProps {
  label: string;
  name: string;
  value: number;
  min: number;
  max: number;
  step: number;
  unit: string;
  onInput: (value: number) => void;
  hint?: ComponentChildren;
  error?: string | null;
}

export function Slider({ label, name, value, min, max, step, unit, onInput, hint, error }: SliderProps) {
  const id = useId();
  return (
    <div class={`field slider ${error ? 'has-error' : ''}`}>
      <label for={id}>{label} <output class="num" for={id}>{value} {unit}</output></label>
      <input id={id} name={name} type="range" min={min} max={max} step={step} value={value} aria-valuetext={`${value} ${unit}`}
        aria-describedby={hint ? `${id}-hint` : undefined} onInput={(e) => onInput(Number(e.currentTarget.value))} />
      {hint && <p class="field-hint" id={`${id}-hint`}>{hint}</p>}
      {error && <p class="field-error"><Icon name="circle-alert" size={14} /> {said(error)}</p>}
    </div>
  );
}

export function Strength({ password, userName }: { password: string; userName: string }) {
  const { score, text } = strength(password, userName);
  return (
    <div class={`strength s${score}`}>
      <span class="strength-bars" aria-hidden="true">{[1, 2, 3, 4].map((i) => <i key={i} class={i <= score ? 'on' : ''} />)}</span>
      <span class="strength-text" aria-live="polite">{text}</span>
    </div>
  );
}
