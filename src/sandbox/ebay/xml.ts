import { XMLParser, XMLValidator } from 'fast-xml-parser';

/** A parsed element: texts, elements and lists of both. */
export type XmlNode = { [name: string]: unknown };

const repeated = new Set([
  'InventoryStatus',
  'NotificationEnable',
  'Variation',
  'OutputSelector',
  'NameValueList',
]);

const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  removeNSPrefix: true,
  processEntities: false,
  isArray: (name) => repeated.has(name),
  tagValueProcessor: (_, value) => decode(value),
});

/** The elements of a document, names without prefix; null for anything that is not XML or brings a DOCTYPE. */
export function parseXml(text: string): XmlNode | null {
  if (/<!DOCTYPE/i.test(text) || XMLValidator.validate(text) !== true) return null;
  const parsed: unknown = parser.parse(text);
  return isNode(parsed) ? parsed : null;
}

/** The element at a path; empty when there is none. */
export function nodeAt(node: XmlNode, ...path: string[]): XmlNode {
  let at: unknown = node;
  for (const name of path) at = isNode(at) ? at[name] : undefined;
  return isNode(at) ? at : {};
}

/** The text at a path; null when there is no such element, empty for an empty one. */
export function textAt(node: XmlNode, ...path: string[]): string | null {
  const last = path.at(-1) ?? '';
  const value = nodeAt(node, ...path.slice(0, -1))[last];
  return typeof value === 'string' ? value : null;
}

/** The elements of a name that may repeat. */
export function nodesAt(node: XmlNode, name: string): XmlNode[] {
  const value = node[name];
  return Array.isArray(value) ? value.map((each) => (isNode(each) ? each : {})) : [];
}

/** An element with escaped text, or with elements that are written already. */
export function element(name: string, content: string | string[], attributes = ''): string {
  const inner = typeof content === 'string' ? escaped(content) : content.join('');
  return `<${name}${attributes}>${inner}</${name}>`;
}

function isNode(value: unknown): value is XmlNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const entities: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decode(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return entities[name] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

function escaped(text: string): string {
  return text.replace(/[<>&"']/g, (char) => {
    const [name] = Object.entries(entities).find(([, plain]) => plain === char) ?? [''];
    return `&${name};`;
  });
}
