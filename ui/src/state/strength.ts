// strength: how good a password looks; the server alone decides, this only tells earlier.

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
