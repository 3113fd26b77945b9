// form: labelled fields with their error beside them, and the buttons that go with them.

import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { strength } from '../state/strength';
import { Icon } from './icon';
import { said } from './panel';

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
          maxLength={p.maxLength} spellcheck={false} autocapitalize="none"
          aria-invalid={p.error ? true : undefined} aria-describedby={about || undefined}
          onInput={(e) => p.onInput(e.currentTarget.value)} />
        {isPassword && (
          <button type="button" class="field-eye" aria-label={isShown ? 'Hide password' : 'Show password'}
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

export function Strength({ password, userName }: { password: string; userName: string }) {
  const { score, text } = strength(password, userName);
  return (
    <div class={`strength s${score}`}>
      <span class="strength-bars" aria-hidden="true">{[1, 2, 3, 4].map((i) => <i key={i} class={i <= score ? 'on' : ''} />)}</span>
      <span class="strength-text" aria-live="polite">{text}</span>
    </div>
  );
}
