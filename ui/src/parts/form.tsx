// form: labelled fields with their error beside them, and the buttons that go with them.

import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { Icon } from './icon';

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
      {p.error && <p class="field-error" id={`${id}-error`}><Icon name="circle-alert" size={14} /> {p.error}</p>}
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

// --- how good a password is ---------------------------------------------------------------------------

export const PASSWORD_MIN = 12;
export const PASSWORD_MAX = 128;

/** 0..4 and a sentence. Length counts most; the server alone decides, with its list of common ones. */
export function strength(password: string, userName: string): { score: number; text: string } {
  const n = [...password].length;
  if (n === 0) return { score: 0, text: `At least ${PASSWORD_MIN} characters; a few unrelated words work well.` };
  if (n < PASSWORD_MIN) return { score: 0, text: `${PASSWORD_MIN - n} more ${PASSWORD_MIN - n === 1 ? 'character' : 'characters'} needed.` };
  if (n > PASSWORD_MAX) return { score: 0, text: `${n - PASSWORD_MAX} too many: ${PASSWORD_MAX} characters is the limit.` };
  const lower = password.toLowerCase();
  if (userName.length > 2 && lower.includes(userName.toLowerCase())) return { score: 1, text: 'Contains your user name: easy to guess.' };
  // Characters that do not simply repeat or count on from their neighbour carry the surprise.
  let fresh = 1;
  const codes = [...lower].map((c) => c.codePointAt(0)!);
  for (let i = 1; i < codes.length; i++) if (Math.abs(codes[i]! - codes[i - 1]!) > 1) fresh += 1;
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/].filter((k) => k.test(password)).length;
  const distinct = new Set(codes).size;
  const bits = Math.min(fresh, distinct * 2) * (2 + kinds * 0.6);
  if (bits < 28) return { score: 1, text: 'Weak: too much repeats or counts on.' };
  if (bits < 40) return { score: 2, text: 'Fair. Longer is better than stranger.' };
  if (bits < 56) return { score: 3, text: 'Good.' };
  return { score: 4, text: 'Strong.' };
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
