// assignments: what an assignment allows, as words in one order; knows no page.

export const PERMISSIONS = ['view', 'console', 'start', 'stop', 'restart', 'console_view'] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** As they are offered: what is less before what is more. */
export const OFFERED: readonly Permission[] = ['view', 'console_view', 'console', 'start', 'stop', 'restart'];

/** What another one includes: nothing to choose. */
export const isIncluded = (p: Permission, has: Set<Permission>): boolean => p === 'view' || (p === 'console_view' && has.has('console'));

/** view is always one (FEATURES D15); words nobody knows are left out. */
export function permissionsOf(text: string | null | undefined): Set<Permission> {
  const words = new Set((text ?? '').split(',').map((w) => w.trim()));
  return new Set(PERMISSIONS.filter((p) => p === 'view' || words.has(p)));
}

export function withPermission(text: string, permission: Permission, is: boolean): string {
  const has = permissionsOf(text);
  if (is) has.add(permission);
  else if (permission !== 'view') has.delete(permission);
  return PERMISSIONS.filter((p) => has.has(p)).join(',');
}
