import { durationText, parseDuration } from '../config/text.ts';
import { AppError, EXIT } from '../errors.ts';

/** The rule for SKUs, for whoever reads what people type. */
export { normalSku, skuFault } from '../stock/sku.ts';

/** No stock is larger; a number beyond it is a barcode or a price in the wrong column. */
export const mostUnits = 1_000_000_000;
const mostRows = 100_000;

/** AppError `usage` (exit code 2): the command line itself is wrong. */
export function usage(message: string, hint = 'see --help'): AppError {
  return new AppError('usage', message, { hint, exitCode: EXIT.usage });
}

/** A whole number of units within bounds; `signed` numbers may carry + or -. Throws AppError `usage`. */
export function unitsArg(
  text: string,
  name: string,
  bounds: { min: number; max?: number } = { min: 0 },
): number {
  const pattern = bounds.min < 0 ? /^[+-]?\d{1,15}$/ : /^\d{1,15}$/;
  const number = Number(text.trim());
  const max = bounds.max ?? mostUnits;
  if (!pattern.test(text.trim()))
    throw usage(`${name} "${text}" is not a whole number`, rangeText(bounds.min, max));
  if (number < bounds.min || number > max)
    throw usage(`${name} ${text} is out of range`, rangeText(bounds.min, max));
  return number;
}

function rangeText(min: number, max: number): string {
  return `a whole number from ${min} to ${max}`;
}

/** `--limit`: how many rows, 100 unless told. */
export function limitArg(text: string | undefined, fallback = 100): number {
  return text === undefined ? fallback : unitsArg(text, '--limit', { min: 1, max: mostRows });
}

/** A row's id, as lists print it. */
export function idArg(text: string, name: string): number {
  return unitsArg(text, name, { min: 1, max: Number.MAX_SAFE_INTEGER });
}

/** `--before ID`, or undefined. */
export function beforeArg(text: string | undefined): number | undefined {
  return text === undefined ? undefined : idArg(text, '--before');
}

/** One of a few words. */
export function choiceArg<const Choice extends string>(
  text: string,
  name: string,
  choices: readonly Choice[],
): Choice {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw usage(`${name} "${text}" is none of ${choices.join(', ')}`);
  return found;
}

const isoTime = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i;
const timeHint =
  'ISO 8601 as in 2026-11-23T09:30:00Z (UTC unless it says otherwise), or how long ago: 90m, 24h, 7d';

/** A time as ms: ISO 8601 (UTC without a zone), or a duration before `now`. Throws AppError `usage`. */
export function timeArg(text: string, name: string, now: number): number {
  const agoMs = parseDuration(text);
  if (agoMs !== null) return now - agoMs;
  const found = isoTime.exec(text.trim());
  const [, date = '', time, zone] = found ?? [];
  const day = Date.parse(`${date}T00:00:00Z`);
  const at = time === undefined ? day : Date.parse(`${date}T${time}${zone ?? 'Z'}`);
  // Date.parse rolls 31 February over into March, and 24:00 into the next day.
  const rolled = !Number.isNaN(day) && !new Date(day).toISOString().startsWith(date);
  if (found === null || Number.isNaN(at) || rolled || time?.startsWith('24') === true)
    throw usage(`${name} "${text}" is not a time`, timeHint);
  return at;
}

/** A duration as ms, within bounds. Throws AppError `usage`. */
export function durationArg(
  text: string,
  name: string,
  { least, most }: { least: number; most: number },
): number {
  const ms = parseDuration(text);
  if (ms === null || ms < least || ms > most)
    throw usage(
      `${name} "${text}" is no duration from ${durationText(least)} to ${durationText(most)}`,
      'as in 90m, 24h, 7d',
    );
  return ms;
}

/** `timeArg` that lies not in the future: what has not happened cannot be counted. */
export function pastArg(text: string, name: string, now: number): number {
  const at = timeArg(text, name, now);
  if (at > now) throw usage(`${name} "${text}" lies in the future`, timeHint);
  return at;
}
