import { XMLParser } from 'fast-xml-parser';
import { z } from 'zod';
import { readOnce, utf8 } from '../kit/json.ts';
import { maybe } from '../kit/shapes.ts';

/** Bounds of a document; beyond them it is not read at all. */
type XmlLimits = typeof answerLimits;

/** Answers of the XML API: a page of 200 listings with all their variations. */
export const answerLimits = { bytes: 16 * 1024 * 1024, depth: 24, tags: 600_000 };
/** Calls from outside: one notification. */
export const callLimits: XmlLimits = { bytes: 256 * 1024, depth: 24, tags: 10_000 };

/**
 * Parses XML into nested tables without attributes and name-space prefixes; texts stay texts. Entities are never
 * expanded: a document type is refused, and only the five predefined and numeric references are decoded, each to one
 * character. Throws SyntaxError.
 */
export function parseXml(bytes: Uint8Array, limits: XmlLimits): unknown {
  if (bytes.length > limits.bytes) throw new SyntaxError(`XML longer than ${limits.bytes} bytes`);
  const text = utf8(bytes);
  assertHarmless(text, limits);
  const parser = new XMLParser({
    ignoreAttributes: true,
    removeNSPrefix: true,
    parseTagValue: false,
    processEntities: false,
    htmlEntities: false,
    maxNestedTags: limits.depth,
    tagValueProcessor: (_tag, value) => decoded(value),
  });
  try {
    return parser.parse(text, true);
  } catch {
    throw new SyntaxError('the XML is not well formed, or nested too deeply');
  }
}

/** What the XML says, by each of the two bounds; undefined when it is none. */
export const answerXml = readOnce((bytes) => parseXml(bytes, answerLimits));
export const callXml = readOnce((bytes) => parseXml(bytes, callLimits));

/** Text as it may stand between two tags. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** One element, several or none: always a list. */
export function many<T>(row: z.ZodType<T>) {
  return z.preprocess((value) => (value === '' ? [] : [value ?? []].flat()), z.array(row));
}

/** An element without content is the text ``, which stands for no table. */
export function optionalTable<T extends z.ZodType>(table: T) {
  return z.preprocess((value) => (value === '' ? undefined : value), table.optional());
}

/** Digits as an integer; null when absent or no number. */
export const countText = maybe(z.string().regex(/^-?\d{1,15}$/)).transform((text) =>
  text ? Number(text) : null,
);

function assertHarmless(text: string, limits: XmlLimits): void {
  if (/<!(?:DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)/i.test(text)) {
    throw new SyntaxError('the XML has a document type');
  }
  let tags = 0;
  for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at + 1)) {
    tags += 1;
    if (tags > limits.tags) throw new SyntaxError(`XML with more than ${limits.tags} tags`);
  }
}

const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decoded(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));/g,
    (whole, dec, hex, name) => {
      if (name !== undefined) return named[name] ?? whole;
      const code = dec === undefined ? Number.parseInt(hex, 16) : Number(dec);
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}
