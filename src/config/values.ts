import { z } from 'zod';
import { durationText, type ListenAddress, parseDuration } from './text.ts';

function refuse(context: z.core.$RefinementCtx, message: string, hint: string): never {
  context.addIssue({ code: 'custom', message, params: { hint } });
  return z.NEVER;
}

const durationHint = 'a number and a unit: 500ms, 60s, 10m, 24h, 30d';

/** A duration in the file, milliseconds in the program; at least `minMs` where given. */
export function duration(minMs = 0) {
  return z.unknown().transform((value, context): number => {
    const ms = typeof value === 'string' ? parseDuration(value) : null;
    if (ms === null) return refuse(context, 'is not a duration', durationHint);
    if (ms >= minMs) return ms;
    return refuse(context, `must be at least ${durationText(minMs)}`, durationHint);
  });
}

/** A duration, or `off` (null). */
export const durationOrOff = z.unknown().transform((value, context): number | null => {
  if (value === 'off' || value === false) return null;
  const ms = typeof value === 'string' ? parseDuration(value) : null;
  return ms ?? refuse(context, 'is neither a duration nor off', `${durationHint}; or off`);
});

/** `20%` in the file, 0.2 in the program. A whole number means per cent too, as `listings set --percent` does. */
export const percentage = z.unknown().transform((value, context): number => {
  const found = /^(\d{1,3}(?:\.\d+)?\s?%|\d{1,3})$/.exec(String(value).trim());
  const percent = Number.parseFloat(found?.[1] ?? '');
  if (percent >= 0 && percent <= 100) return percent / 100;
  return refuse(context, 'is not a percentage', 'write it with its sign, from 0% to 100%: 20%');
});

/** `127.0.0.1:8787`, `localhost:8787`, `[::1]:8787` */
export const listenAddress = z.unknown().transform((value, context): ListenAddress => {
  const found =
    typeof value === 'string' ? /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(value) : null;
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3]);
  if (host !== undefined && port <= 65_535) return { host, port };
  return refuse(context, 'is not an address to listen on', 'host:port, as in 127.0.0.1:8787 or [::1]:8787');
});

/** A number of units. Digits in text count too: that is what `${NAME}` expands to. */
export const units = z.unknown().transform((value, context): number => {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number;
  return refuse(context, 'is not a number of units', 'a whole number, 0 or more');
});

/** true or false, also as text. */
export const flag = z.unknown().transform((value, context): boolean => {
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  return refuse(context, 'is neither true nor false', 'write true or false');
});

/** An http(s) address without a slash at its end. Credentials do not belong into it. */
export const webAddress = z.unknown().transform((value, context): string => {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return refuse(context, 'is not a web address', 'https://host or https://host/path');
  }
  if (url.username === '' && url.password === '') return url.href.replace(/\/+$/, '');
  return refuse(context, 'carries a user name or password', 'put credentials into their own keys');
});
