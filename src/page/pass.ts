import { createHmac } from 'node:crypto';
import { sameText } from '../http/token.ts';

/** The longest life of a link, in ms. */
export const longestPassMs = 366 * 86_400_000;

/** What opens the page until a time, without the admin token in it: `<until in ms, base 36>.<signature>`. */
export function passFor(token: string, until: number): string {
  const end = until.toString(36);
  return `${end}.${signature(token, end)}`;
}

/** Is it ours, and not over? Compared in constant time; another admin token makes all passes void. */
export function passIsGood(token: string, pass: string, now: number): boolean {
  const [end = '', signed = '', ...rest] = pass.slice(0, 200).split('.');
  const until = Number.parseInt(end, 36);
  const same = sameText(signed, signature(token, end));
  return same && rest.length === 0 && until > now && until - now <= longestPassMs;
}

function signature(token: string, end: string): string {
  return createHmac('sha256', token).update(`invsync page until ${end}`).digest('base64url');
}
