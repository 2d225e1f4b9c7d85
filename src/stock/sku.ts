/** The longest name of a SKU, in characters. */
const longest = 100;
/** Nothing to be seen: joiners, soft hyphens, direction marks, fillers. */
const invisible = /\p{Cf}|\p{DI}/u;

/** The one form under which a SKU is kept and compared: composed letters (NFC), no blanks at its ends. */
export function normalSku(text: string): string {
  return text.normalize('NFC').trim();
}

/** Why a text cannot be the name of a SKU, or null: a SKU is one line that people see as it is, label and all. */
export function skuFault(text: string): string | null {
  if (text === '') return 'is empty';
  if ([...text].length > longest) return `is longer than ${longest} characters`;
  if (/\p{Cc}|[\u2028\u2029]/u.test(text)) return 'contains a control character';
  if (text.trim() !== text) return 'begins or ends with a blank';
  const unseen = invisible.exec(text);
  if (unseen !== null) return `contains an invisible character (${codePoint(unseen[0])})`;
  return text.normalize('NFC') === text ? null : 'is not in composed form (NFC)';
}

/** The normal form of a text where that can be a SKU; else null. */
export function soundSku(text: string | null): string | null {
  if (text === null) return null;
  const normal = normalSku(text);
  return skuFault(normal) === null ? normal : null;
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/**
 * What a SKU looks like to people and to spreadsheets. Two SKUs with one `look` differ only in what is lost on the way:
 * case, blanks, zeros at the ends of a number, look-alike letters and dashes, quoting. A long number is `shortened` to
 * six digits when a spreadsheet shows it (6.93217E+12): the short form resembles each number that is `seen` as it.
 */
export interface Likeness {
  /** Its letters whatever their case, or its value where it is a number. */
  look: string;
  /** Its letters as they are drawn: l, I and 1 are one stroke, O and 0 one ring. */
  drawn: string;
  seen: string | null;
  shortened: string | null;
}

/** See `Likeness`. Pure text work; nothing is looked up. */
export function likenessOf(code: string): Likeness {
  const plain = plainLetters(unquoted(withoutEntities(code)).normalize('NFKC'));
  const text = plain.toUpperCase().toLowerCase().replaceAll('\u0307', '');
  const drawn = plain.replace(/[lI1]/g, '1').replace(/[O0]/g, '0');
  const number = /^(\d*)(?:[.,](\d*))?(?:e([+-]?\d{1,3}))?$/.exec(text);
  const digits = `${number?.[1] ?? ''}${number?.[2] ?? ''}`;
  if (number === null || digits === '') return { look: text, drawn, seen: null, shortened: null };
  const exponent = Number(number[3] ?? 0) - (number[2] ?? '').length;
  const long = number[3] === undefined && exponent === 0 && Number(digits) >= shownShort;
  return {
    look: numberLook(digits, exponent),
    drawn,
    seen: long ? Number(digits).toExponential(5) : null,
    shortened: number[3] === undefined ? null : Number(`${digits}e${exponent}`).toExponential(5),
  };
}

/** Numbers from here on are shown as 1.23457E+11 in a column of common width. */
const shownShort = 1e11;

/** The number without the zeros at either end: digits and the power of ten. */
function numberLook(digits: string, exponent: number): string {
  const short = digits.replace(/^0+/, '');
  const bare = short.replace(/0+$/, '');
  if (bare === '') return '#0';
  return `#${bare}e${exponent + short.length - bare.length}`;
}

const entities: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  shy: '',
  ndash: '-',
  mdash: '-',
  hyphen: '-',
  minus: '-',
  rsquo: "'",
  lsquo: "'",
};

/** `A&amp;B` and `A&#38;B` as A&B, also where it was escaped twice. */
function withoutEntities(text: string): string {
  const once = text.replace(
    /&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,6}));/gi,
    (whole, decimal, hex, name) => {
      if (name !== undefined) return entities[name.toLowerCase()] ?? whole;
      const point = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
      return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
    },
  );
  return once === text ? text : withoutEntities(once);
}

/** Without what is written before a number or around it so that a spreadsheet takes it for text. */
function unquoted(text: string): string {
  const bare = text.replace(/^[\s\ufeff]+|[\s\ufeff]+$/g, '');
  const formula = /^=\s*"(.*)"$/.exec(bare) ?? /^["“”](.*)["“”]$/.exec(bare);
  return formula === null ? bare.replace(/^['’‘`´]/, '') : unquoted(formula[1] ?? '');
}

/** Letters of other scripts that look like Latin ones, by the Latin one; after UTS 39, for what is typed in shops. */
const lookAlikes: Record<string, string> = {
  a: 'αаɑ',
  b: 'βвь',
  c: 'сϲᴄ',
  d: 'ԁ',
  e: 'εеєҽ',
  g: 'ɡց',
  h: 'ηнһհ',
  i: 'ιіıӏΙⅰ',
  j: 'јϳ',
  k: 'κкқ',
  l: 'ⅼ',
  m: 'μмⅿ',
  n: 'νпո',
  o: 'οоօσ',
  p: 'ρрϱ',
  q: 'ԛգ',
  r: 'гᴦ',
  s: 'ѕ',
  t: 'τт',
  u: 'υսᴜ',
  v: 'ѵᴠ',
  w: 'ωԝա',
  x: 'χхҳ',
  y: 'γуү',
  z: 'ζᴢ',
};

/** Capitals whose small letter looks like another one than they do. */
const capitals: Record<string, string> = { Ν: 'N', Η: 'H', Υ: 'Y', Ρ: 'P', Β: 'B', Ζ: 'Z', У: 'Y', Ү: 'Y' };

const latin = new Map<string, string>([
  ...Object.entries(lookAlikes).flatMap(([letter, like]) => [...like].map((each) => [each, letter] as const)),
  ...Object.entries(capitals),
]);

/** Latin letters for their doubles, one dash, nothing that is not seen. */
function plainLetters(text: string): string {
  let plain = '';
  for (const character of text) {
    if (/\s|\p{Cc}|\p{Cf}|\p{DI}/u.test(character)) continue;
    if (/\p{Pd}|[\u2212\u2043\u02d7\u30fc]/u.test(character)) plain += '-';
    else if (/[’‘‛ʼʹ′`´]/u.test(character)) plain += "'";
    else plain += latinFor(character);
  }
  return plain;
}

function latinFor(character: string): string {
  const small = character.toLowerCase();
  return (
    latin.get(character) ?? (small === character ? undefined : latin.get(small)?.toUpperCase()) ?? character
  );
}

/** Do two different SKUs differ only in what people and spreadsheets lose? */
export function resembles(a: Likeness, b: Likeness): boolean {
  if (a.look === b.look || a.drawn === b.drawn) return true;
  if (a.shortened !== null && a.shortened === b.seen) return true;
  return b.shortened !== null && b.shortened === a.seen;
}

/**
 * For each of `wanted`, the first known SKU that it resembles and is not equal to: one pass over the known ones.
 */
export function resemblances(wanted: readonly string[], known: Iterable<string>): Map<string, string> {
  const asked = new Map<string, string[]>();
  const note = (key: string, code: string) => asked.set(key, [...(asked.get(key) ?? []), code]);
  for (const code of new Set(wanted)) {
    const { look, drawn, seen, shortened } = likenessOf(code);
    note(look, code);
    note(`drawn ${drawn}`, code);
    if (seen !== null) note(`seen ${seen}`, code);
    if (shortened !== null) note(`shortened ${shortened}`, code);
  }
  const found = new Map<string, string>();
  if (asked.size === 0) return found;
  for (const other of known) {
    const { look, drawn, seen, shortened } = likenessOf(other);
    const keys = [look, `drawn ${drawn}`];
    if (seen !== null) keys.push(`shortened ${seen}`);
    if (shortened !== null) keys.push(`seen ${shortened}`);
    for (const code of keys.flatMap((key) => asked.get(key) ?? []))
      if (code !== other && !found.has(code)) found.set(code, other);
  }
  return found;
}
