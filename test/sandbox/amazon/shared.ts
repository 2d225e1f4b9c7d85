import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The official contracts, beside the project or at $INVSYNC_SHARED; null where they are not. */
const shared = process.env['INVSYNC_SHARED'] ?? join(import.meta.dirname, '../../../../shared');
const folder = join(shared, 'contracts/amazon');

export const contracts: string | null = existsSync(folder) ? folder : null;

export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  required?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  allOf?: Schema[];
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  definitions?: Record<string, Schema>;
}

/** A contract's JSON; only where `contracts` is not null. */
export function contract(path: string): Schema & Record<string, unknown> {
  return JSON.parse(readFileSync(join(contracts ?? '', path), 'utf8'));
}

/**
 * What is wrong with a value, one line each. Beyond what a validator would say it names fields that the schema does
 * not know: a misspelt optional field is wrong, too.
 */
export function faultsIn(value: unknown, schema: Schema, root: Schema = schema, at = '$'): string[] {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.replace('#/definitions/', '');
    const target = root.definitions?.[name];
    return target === undefined ? [`${at}: no definition ${name}`] : faultsIn(value, target, root, at);
  }
  const merged = mergedOf(schema, root);
  return [
    ...plainFaults(value, merged, at),
    ...objectFaults(value, merged, root, at),
    ...listFaults(value, merged, root, at),
  ];
}

/** `allOf` put together, references followed: enough for schemas that only add properties. */
function mergedOf(schema: Schema, root: Schema): Schema {
  if (schema.allOf === undefined) return schema;
  const parts = schema.allOf.map((part) => {
    const named =
      part.$ref === undefined ? part : root.definitions?.[part.$ref.replace('#/definitions/', '')];
    return mergedOf(named ?? {}, root);
  });
  const { allOf: _, ...own } = schema;
  const all = [...parts, own];
  return {
    ...Object.assign({}, ...parts, own),
    properties: Object.assign({}, ...all.map(({ properties }) => properties)),
    required: all.flatMap(({ required = [] }) => required),
  };
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (Number.isInteger(value)) return 'integer';
  return typeof value;
}

function plainFaults(value: unknown, schema: Schema, at: string): string[] {
  const found: string[] = [];
  const types = schema.type === undefined ? [] : [schema.type].flat();
  const type = typeOf(value);
  const fits = types.includes(type) || (type === 'integer' && types.includes('number'));
  if (types.length > 0 && !fits) return [`${at}: ${type}, wanted ${types.join(' or ')}`];
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    found.push(`${at}: ${JSON.stringify(value)} is none of ${schema.enum.join(', ')}`);
  }
  if (schema.const !== undefined && schema.const !== value) found.push(`${at}: not ${String(schema.const)}`);
  if (typeof value === 'string') {
    if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(value)) {
      found.push(`${at}: does not match ${schema.pattern}`);
    }
    if (schema.format === 'date-time' && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value)) {
      found.push(`${at}: ${value} is no date-time`);
    }
    if (value.length < (schema.minLength ?? 0)) found.push(`${at}: too short`);
    if (value.length > (schema.maxLength ?? Number.POSITIVE_INFINITY)) found.push(`${at}: too long`);
  }
  if (typeof value === 'number') {
    if (value < (schema.minimum ?? Number.NEGATIVE_INFINITY)) found.push(`${at}: too small`);
    if (value > (schema.maximum ?? Number.POSITIVE_INFINITY)) found.push(`${at}: too big`);
  }
  return found;
}

function objectFaults(value: unknown, schema: Schema, root: Schema, at: string): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const properties = schema.properties ?? {};
  const missing = (schema.required ?? []).filter((name) => !(name in value));
  const found = missing.map((name) => `${at}: ${name} is missing`);
  const open = schema.properties === undefined || Boolean(schema.additionalProperties);
  for (const [name, inner] of Object.entries(value)) {
    const known = properties[name];
    if (known !== undefined) found.push(...faultsIn(inner, known, root, `${at}.${name}`));
    else if (!open) found.push(`${at}: ${name} is unknown`);
  }
  return found;
}

function listFaults(value: unknown, schema: Schema, root: Schema, at: string): string[] {
  if (!Array.isArray(value)) return [];
  const found: string[] = [];
  if (value.length < (schema.minItems ?? 0)) found.push(`${at}: too few`);
  if (value.length > (schema.maxItems ?? Number.POSITIVE_INFINITY)) found.push(`${at}: too many`);
  const { items } = schema;
  if (items === undefined) return found;
  return [...found, ...value.flatMap((inner, index) => faultsIn(inner, items, root, `${at}[${index}]`))];
}
