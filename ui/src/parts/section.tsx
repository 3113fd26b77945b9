// section: a panel that is opened and closed by its heading; what is inside begins to exist when it is opened.

import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon';

const KEY = 'binnacle.sections';

function stored(): Record<string, boolean> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    return typeof found === 'object' && found !== null ? (found as Record<string, boolean>) : {};
  } catch {
    return {};
  }
}

/** Which sections a person opened or closed, by name, on every page that has them. */
const choices = signal<Record<string, boolean>>(stored());

export function isOpen(name: string, usually: boolean): boolean {
  return choices.value[name] ?? usually;
}

export function setOpen(name: string, open: boolean): void {
  choices.value = { ...choices.value, [name]: open };
  try {
    localStorage.setItem(KEY, JSON.stringify(choices.value));
  } catch {
    // The choice then lasts as long as the page.
  }
}

interface SectionProps {
  id: string;
  title: ComponentChildren;
  icon?: IconName;
  open: boolean;
  onToggle: (open: boolean) => void;
  note?: ComponentChildren;  // beside the title, open or not
  aside?: ComponentChildren; // at the right, while open
  class?: string;
  children: () => ComponentChildren;
}

export function Section({ id, title, icon, open, onToggle, note, aside, class: name = '', children }: SectionProps) {
  return (
    <section class={`panel section ${open ? 'is-open' : ''} ${name}`} id={id} aria-labelledby={`${id}-title`} tabIndex={-1}>
      <header class="panel-head">
        <h2 id={`${id}-title`}>
          <button type="button" class="section-head" aria-expanded={open} aria-controls={open ? `${id}-body` : undefined} onClick={() => onToggle(!open)}>
            <Icon name="chevron-right" />
            {icon && <Icon name={icon} />}
            <span>{title}</span>
          </button>
        </h2>
        {note && <span class="section-note">{note}</span>}
        {open && aside && <div class="panel-aside">{aside}</div>}
      </header>
      {open && <div id={`${id}-body`} class="section-body">{children()}</div>}
    </section>
  );
}
