import { spanText } from '../clock.ts';

/** Markup that may be sent as it is: everything that was put into it went through `html`. */
export interface Markup {
  readonly markup: string;
}

/** What may stand in a template: text is escaped, lists are joined, nothing is nothing. */
export type Part = Markup | string | number | null | undefined | false | readonly Part[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as it may stand between tags and in quoted attributes; control characters and turns of direction are blanks. */
export function escaped(text: string): string {
  return text
    .replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

/** A template whose parts are escaped. Attributes must be quoted in it. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Markup {
  return { markup: strings.reduce((text, each, at) => text + textOf(parts[at - 1]) + each) };
}

function textOf(part: Part): string {
  if (part === null || part === undefined || part === false) return '';
  if (typeof part === 'string') return escaped(part);
  if (typeof part === 'number') return String(part);
  return 'markup' in part ? part.markup : part.map(textOf).join('');
}

/** One column of a table: its heading, what of a row it shows, and whether that is a number. */
export interface Column<Row> {
  title: string;
  value(row: Row): Part;
  number?: boolean;
}

/** A table; on a narrow screen each row stands as a card, every value beside its heading. `empty`: in place of no rows. */
export function table<Row>(
  caption: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  empty: string,
): Markup {
  if (rows.length === 0) return html`<p class="quiet">${empty}</p>`;
  const kind = (column: Column<Row>) => (column.number === true ? 'number' : 'text');
  return html`<table><caption>${caption}</caption>
<thead><tr>${columns.map((column) => html`<th scope="col" class="${kind(column)}">${column.title}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr>${columns.map(
        (column) => html`<td class="${kind(column)}" data-title="${column.title}">${column.value(row)}</td>`,
      )}</tr>\n`,
  )}</tbody></table>`;
}

/** A moment, as long ago as people say it; the exact time in its title. */
export function moment(at: string | null, now: number): Markup | string {
  if (at === null) return 'never';
  return html`<time datetime="${at}" title="${at}">${agoText(at, now)}</time>`;
}

function agoText(at: string, now: number): string {
  const since = now - Date.parse(at);
  return since < 0 ? at : `${spanText(since)} ago`;
}

/** A word with its colour; the word alone says it too. */
export function badge(word: string, tone: 'good' | 'warn' | 'bad' | 'quiet'): Markup {
  return html`<span class="badge ${tone}">${word}</span>`;
}
