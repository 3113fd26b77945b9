import { icons, type IconName } from './icons';

export type { IconName };

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={`${size / 16}rem`} height={`${size / 16}rem`} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"
      stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={icons[name]} />
    </svg>
  );
}

/** A compass rose in its housing. */
export function Mark({ size = 22 }: { size?: number }) {
  return (
    <svg class="mark" width={`${size / 16}rem`} height={`${size / 16}rem`} viewBox="0 0 24 24" fill="none" stroke="currentColor" aria-hidden="true">
      <circle cx="12" cy="12" r="10.25" stroke-width="1.5" />
      <path d="M12 3.2v2M12 18.8v2M3.2 12h2M18.8 12h2" stroke-width="1.5" stroke-linecap="round" />
      <path d="M15.6 8.4 13.6 13.6 8.4 15.6 10.4 10.4Z" fill="currentColor" stroke="none" />
      <circle cx="12" cy="12" r="1.1" class="mark-pin" stroke="none" />
    </svg>
  );
}
