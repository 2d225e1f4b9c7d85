import { readFileSync } from 'node:fs';

/** One documented key. */
export interface KeyRule {
  /** `listings[].parts[].sku` */
  path: string;
  type: string;
  /** The shared object that it is a key of, with its key there: `part sku`; null for a key of the document itself. */
  shared: string | null;
}

type RawRule = Pick<KeyRule, 'path' | 'type'>;

/** `docs/json-output.md` as data: the rules of each command's document, shared objects laid in. */
export function readContract(): Map<string, KeyRule[]> {
  const text = readFileSync(new URL('../../docs/json-output.md', import.meta.url), 'utf8');
  const commands = new Map<string, RawRule[]>();
  const objects = new Map<string, RawRule[]>();
  for (const section of text.split(/^## /m).slice(1)) {
    const [heading = '', ...lines] = section.split('\n');
    const rules = lines.flatMap(ruleIn);
    if (heading.startsWith('*')) objects.set(heading.replaceAll('*', '').trim(), rules);
    else for (const name of heading.split(', ')) commands.set(name.replaceAll('`', '').trim(), rules);
  }
  return new Map(
    [...commands].map(([name, rules]) => [name, rules.flatMap((rule) => laidIn(rule, null, objects))]),
  );
}

/** A row of a table: the key in backticks, or … for all keys of a shared object. */
function ruleIn(line: string): RawRule[] {
  const found = /^\| (`[^`]+`|…) \| ([^|]+) \|/.exec(line);
  return found === null
    ? []
    : [{ path: (found[1] ?? '').replaceAll('`', ''), type: (found[2] ?? '').trim() }];
}

function laidIn(rule: RawRule, within: string | null, objects: ReadonlyMap<string, RawRule[]>): KeyRule[] {
  const { path, type } = rule;
  const own = { path, shared: within === null ? null : `${within} ${path}` };
  const found = /^(list of )?\*(\w+)\*( or null)?$/.exec(type);
  if (found === null) return [{ ...own, type }];
  const [, list, name = '', nullable = ''] = found;
  const keys = objects.get(name);
  if (keys === undefined) throw new Error(`the contract names no shared object "${name}"`);
  const inner = keys.flatMap((key) => laidIn(key, name, objects));
  if (path === '…') return inner;
  const base = `${path}${list === undefined ? '' : '[]'}.`;
  const outer = { ...own, type: list === undefined ? `object${nullable}` : 'list of objects' };
  return [outer, ...inner.map((key) => ({ ...key, path: `${base}${key.path}` }))];
}

/** A key as it was met in real output, with one of its values. */
export interface Met {
  path: string;
  value: unknown;
}

/** All keys of a document, lists entered; what the contract calls a map is not. */
export function keysIn(document: unknown, rules: readonly KeyRule[], path = ''): Met[] {
  if (Array.isArray(document)) return document.flatMap((item) => keysIn(item, rules, `${path}[]`));
  if (typeof document !== 'object' || document === null) return [];
  const opaque = rules.some((rule) => rule.path === path.replace(/\[\]$/, '') && /\bmap\b/.test(rule.type));
  if (opaque) return [];
  return Object.entries(document).flatMap(([key, value]) => {
    const own = path === '' ? key : `${path}.${key}`;
    return [{ path: own, value }, ...keysIn(value, rules, own)];
  });
}

const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/** Why a value is not of a documented type, or null. */
export function typeFault(value: unknown, type: string): string | null {
  const nullable = /[;,]? or null$|; or null$/.test(type);
  if (value === null) return nullable ? null : 'is null';
  const bare = type.replace(/;? or null$/, '').trim();
  const fault = (ok: boolean) => (ok ? null : `${JSON.stringify(value)} is not ${bare}`);
  if (bare === 'text') return fault(typeof value === 'string');
  if (bare === 'integer') return fault(Number.isInteger(value));
  if (bare === 'number') return fault(typeof value === 'number');
  if (bare === 'boolean') return fault(typeof value === 'boolean');
  if (bare === 'time') return fault(typeof value === 'string' && isoTime.test(value));
  if (bare === 'object' || bare === 'map') return fault(typeof value === 'object' && !Array.isArray(value));
  if (bare.startsWith('one of ')) return fault(bare.slice(7).split(', ').includes(String(value)));
  if (!bare.startsWith('list of ')) return `"${bare}" is no type`;
  const item = bare.slice(8).replace(/^objects$/, 'object');
  if (!Array.isArray(value)) return fault(false);
  return value.map((each) => typeFault(each, item)).find((each) => each !== null) ?? null;
}
