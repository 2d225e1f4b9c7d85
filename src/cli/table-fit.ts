import { spanText } from '../clock.ts';

/** A column as far as its width goes. */
export interface Measured {
  title: string;
  /** What it shows, a text per row. */
  cells: readonly string[];
  /** Numbers are never cut. */
  numeric: boolean;
  /** The least worth goes first. */
  worth: number;
  /** Cut no narrower than this. */
  room: number;
}

/** Which columns stay, and how wide each may be. */
export interface Fit {
  kept: { at: number; width: number }[];
  dropped: number;
}

const gap = 2;

/**
 * Makes columns fit: those of least worth are left out until the others, cut to their least, would fit; the widest texts
 * of what is left are cut first. The first column names the row and always stays.
 */
export function fitColumns(columns: readonly Measured[], width: number): Fit {
  const natural = columns.map(({ title, cells }) => Math.max(widthOf(title), ...cells.map(widthOf)));
  const least = columns.map(({ title, numeric, room }, at) => {
    const own = natural[at] ?? 0;
    return numeric ? own : Math.min(own, Math.max(widthOf(title), room));
  });
  let kept = columns.map((_, at) => at);
  const sum = (widths: readonly number[]) =>
    kept.reduce((total, at) => total + (widths[at] ?? 0), gap * (kept.length - 1));
  while (kept.length > 1 && sum(least) > width) {
    const worst = kept
      .slice(1)
      .reduce((low, at) => (worthOf(columns, at) <= worthOf(columns, low) ? at : low));
    kept = kept.filter((at) => at !== worst);
  }
  const widths = [...natural];
  while (sum(widths) > width) {
    const slack = (at: number) => ((widths[at] ?? 0) > (least[at] ?? 0) ? (widths[at] ?? 0) : 0);
    const widest = kept.reduce((wide, at) => (slack(at) > slack(wide) ? at : wide));
    if (slack(widest) === 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return { kept: kept.map((at) => ({ at, width: widths[at] ?? 0 })), dropped: columns.length - kept.length };
}

function worthOf(columns: readonly Measured[], at: number): number {
  return columns[at]?.worth ?? 0;
}

/** A sentence loses its end, an id its middle: both ends of an id tell it from others. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const characters = [...text];
  if (text.includes(' ')) return `${takeWidth(characters, width - 1).trimEnd()}…`;
  const tail = takeWidth(characters.reverse(), Math.floor((width - 1) / 2));
  const end = [...tail].reverse().join('');
  return `${takeWidth([...text], width - 1 - widthOf(end))}…${end}`;
}

function takeWidth(characters: readonly string[], width: number): string {
  let taken = '';
  for (const character of characters) {
    if (widthOf(taken + character) > width) break;
    taken += character;
  }
  return taken;
}

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z$/;

/** `3m ago`, `in 5m`, for what is a whole time; any other text as it is. */
export function agoText(text: string, now: number): string {
  if (!time.test(text)) return text;
  const ms = now - Date.parse(text);
  return ms >= 0 ? `${spanText(ms)} ago` : `in ${spanText(-ms)}`;
}

/** Breaks a sentence between words, so that no line is longer; what follows the first line is indented by two more. */
export function wrapped(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const indent = `${/^ */.exec(text)?.[0] ?? ''}  `;
  const lines: string[] = [];
  let line = '';
  for (const word of text.match(/ *[^ ]+/g) ?? []) {
    if (line !== '' && widthOf(line) + widthOf(word) > width) {
      lines.push(line);
      line = `${indent}${word.trimStart()}`;
    } else line += word;
  }
  return [...lines, line].join('\n');
}

const colours = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

/** Characters, with those of East Asia and emoji counted as two columns, colours as none. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text.replace(colours, '')) {
    if (/\p{Mark}|\u200d|\ufe0f/u.test(character)) continue;
    width +=
      /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]/u.test(
        character,
      )
        ? 2
        : 1;
  }
  return width;
}
