/**
 * The platform's search syntax as far as SHP-4.3 and SHP-6 use it: `field:>='value'` terms, all of which must
 * hold. A term on an unknown field, or with a value that cannot be read, filters nothing (the real thing only warns).
 */
export interface Term {
  field: string;
  compare: '=' | '>' | '>=' | '<' | '<=';
  value: string;
  negated: boolean;
}

export function parseSearch(query: string | null | undefined): Term[] {
  if (query === null || query === undefined) return [];
  const pattern = /(-)?([a-z_]+):(>=|<=|>|<)?(?:'([^']*)'|"([^"]*)"|([^\s]+))/gi;
  return [...query.matchAll(pattern)].map(([, minus, field, compare, single, double, bare]) => ({
    field: (field ?? '').toLowerCase(),
    compare: (compare ?? '=') as Term['compare'],
    value: single ?? double ?? bare ?? '',
    negated: minus === '-',
  }));
}

/** How one kind of thing answers search terms. A missing field filters nothing. */
export type Searchable<T> = Record<string, (thing: T, term: Term) => boolean>;

export function searched<T>(things: T[], query: string | null | undefined, fields: Searchable<T>): T[] {
  const terms = parseSearch(query).filter(({ field }) => field in fields);
  if (terms.length === 0) return things;
  return things.filter((thing) =>
    terms.every((term) => (fields[term.field]?.(thing, term) ?? true) !== term.negated),
  );
}

/** Compares a time in ms, kept in whole seconds, with a term's time. */
export function timeFits(ms: number, { compare, value }: Term): boolean {
  const wanted = Date.parse(value);
  return Number.isNaN(wanted) ? true : fits(ms, compare, wanted);
}

export function idFits(id: bigint, { compare, value }: Term): boolean {
  const digits = value.split('/').at(-1) ?? '';
  return /^\d+$/.test(digits) ? fits(id, compare, BigInt(digits)) : true;
}

/** SHP-4.3 [M]: SKU search is tokenised, so `TEE-S` also finds `TEE-S-2`; callers must compare exactly. */
export function skuFits(sku: string, { value }: Term): boolean {
  const tokens = (text: string) =>
    text
      .toLowerCase()
      .split(/[^a-z0-9]+/)
      .filter((token) => token !== '');
  const there = tokens(sku);
  return tokens(value).every((token) => there.includes(token));
}

export function textFits(text: string, { value }: Term): boolean {
  return text.toLowerCase().includes(value.toLowerCase());
}

/** A comma separated list of accepted words. */
export function wordFits(word: string, { value }: Term): boolean {
  return value
    .split(',')
    .map((text) => text.trim().toLowerCase())
    .includes(word.toLowerCase());
}

function fits<T extends number | bigint>(is: T, compare: Term['compare'], wanted: T): boolean {
  if (compare === '>') return is > wanted;
  if (compare === '>=') return is >= wanted;
  if (compare === '<') return is < wanted;
  if (compare === '<=') return is <= wanted;
  return is === wanted;
}
