import type { Io } from './io.ts';
import { paint, printable, type Style } from './print.ts';

const styles: Readonly<Record<string, Style>> = { debug: 'dim', warn: 'warn', error: 'bad' };

/** Facts that the sentence or the head of the line has said already. */
const said = new Set(['level', 'time', 'msg', 'channel', 'alert', 'subject']);

/** A line of the log as a person reads it: local time, level, channel, sentence, then the facts that are left. */
export function prettyLine(line: string, io: Pick<Io, 'color'>): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const level = String(entry['level']);
  const head = `${clockText(String(entry['time']))} ${level.toUpperCase().padEnd(5)}`;
  const channel = typeof entry['channel'] === 'string' ? `${entry['channel']}: ` : '';
  const facts = Object.entries(entry)
    .filter(([key, value]) => !said.has(key) && value !== null && value !== '')
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const style = styles[level];
  const told = printable([`${channel}${String(entry['msg'])}`, ...facts].join('  '));
  return `${style === undefined ? head : paint(io, style, head)} ${told}\n`;
}

/** `03:12:07` on this machine's clock. */
function clockText(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}
