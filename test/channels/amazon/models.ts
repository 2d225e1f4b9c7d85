import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Amazon's official models and schemas as judge; null where the shared material is missing. */
const root = process.env['INVSYNC_SHARED'] ?? join(import.meta.dirname, '..', '..', '..', '..', 'shared');
const folder = join(root, 'contracts', 'amazon');
export const hasModels = existsSync(folder);

type Schema = { [key: string]: unknown };

/** A small walker over what these files use of Swagger 2.0 and JSON Schema draft-07. Answers each violation in words. */
export function violations(schema: Schema | boolean, value: unknown, document: Schema, at = ''): string[] {
  if (typeof schema === 'boolean') return schema ? [] : [`${at}: may not be there`];
  const ref = schema['$ref'];
  if (typeof ref === 'string') return violations(resolve(ref, document), value, document, at);
  const found: string[] = [];
  for (const part of list(schema['allOf'])) found.push(...violations(part, value, document, at));
  for (const [word, wanted] of [
    ['anyOf', (passing: number) => passing > 0],
    ['oneOf', (passing: number) => passing === 1],
  ] as const) {
    const parts = list(schema[word]);
    const passing = parts.filter((part) => violations(part, value, document, at).length === 0).length;
    if (parts.length > 0 && !wanted(passing)) found.push(`${at}: fits ${passing} of ${word}`);
  }
  if ('const' in schema && schema['const'] !== value) found.push(`${at}: is not ${String(schema['const'])}`);
  const types = [schema['type']].flat().filter((type) => typeof type === 'string');
  if (types.length > 0 && !types.some((type) => isOf(type, value)))
    return [...found, `${at}: ${JSON.stringify(value)?.slice(0, 60)} is no ${types.join(' or ')}`];
  const allowed = schema['enum'];
  if (Array.isArray(allowed) && !allowed.includes(value))
    found.push(`${at}: ${String(value)} is not allowed`);
  if (typeof value === 'string') found.push(...textFaults(schema, value, at));
  if (typeof value === 'number') found.push(...numberFaults(schema, value, at));
  if (Array.isArray(value)) found.push(...arrayFaults(schema, value, document, at));
  else if (typeof value === 'object' && value !== null)
    found.push(...objectFaults(schema, value as Schema, document, at));
  return found;
}

function textFaults(schema: Schema, value: string, at: string): string[] {
  const { minLength, maxLength, pattern, format } = schema;
  const found: string[] = [];
  if (typeof minLength === 'number' && value.length < minLength)
    found.push(`${at}: shorter than ${minLength}`);
  if (typeof maxLength === 'number' && value.length > maxLength)
    found.push(`${at}: longer than ${maxLength}`);
  if (typeof pattern === 'string' && !new RegExp(pattern).test(value))
    found.push(`${at}: not like ${pattern}`);
  if (format === 'date-time' && Number.isNaN(Date.parse(value))) found.push(`${at}: ${value} is no time`);
  return found;
}

function numberFaults({ minimum, maximum }: Schema, value: number, at: string): string[] {
  const found: string[] = [];
  if (typeof minimum === 'number' && value < minimum) found.push(`${at}: ${value} is below ${minimum}`);
  if (typeof maximum === 'number' && value > maximum) found.push(`${at}: ${value} is above ${maximum}`);
  return found;
}

function arrayFaults(schema: Schema, value: unknown[], document: Schema, at: string): string[] {
  const { minItems, maxItems, items } = schema;
  const found: string[] = [];
  if (typeof minItems === 'number' && value.length < minItems) found.push(`${at}: fewer than ${minItems}`);
  if (typeof maxItems === 'number' && value.length > maxItems) found.push(`${at}: more than ${maxItems}`);
  if (typeof items === 'object' && items !== null && !Array.isArray(items)) {
    for (const [index, each] of value.entries())
      found.push(...violations(items as Schema, each, document, `${at}[${index}]`));
  }
  return found;
}

function objectFaults(schema: Schema, value: Schema, document: Schema, at: string): string[] {
  const found: string[] = [];
  const properties = (schema['properties'] ?? {}) as Record<string, Schema>;
  for (const name of (schema['required'] ?? []) as string[])
    if (!(name in value)) found.push(`${at}.${name}: missing`);
  for (const [name, each] of Object.entries(value)) {
    const known = properties[name];
    if (known !== undefined) found.push(...violations(known, each, document, `${at}.${name}`));
    else if (schema['additionalProperties'] === false) found.push(`${at}.${name}: not known`);
  }
  return found;
}

function isOf(type: string, value: unknown): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

function list(value: unknown): Schema[] {
  return Array.isArray(value) ? (value as Schema[]) : [];
}

function resolve(ref: string, document: Schema): Schema {
  const path = ref.replace(/^#\/?/, '').split('/').filter(Boolean);
  return path.reduce<Schema>(
    (at, key) => at[key.replaceAll('~1', '/').replaceAll('~0', '~')] as Schema,
    document,
  );
}

function load(path: string): Schema {
  return JSON.parse(readFileSync(join(folder, path), 'utf8')) as Schema;
}

/** Violations of one of the JSON schemas below `schemas/`. */
export function againstSchema(path: string, value: unknown): string[] {
  const schema = load(join('schemas', path));
  return violations(schema, value, schema);
}

export function readSchemaFile(path: string): Schema {
  return load(join('schemas', path));
}

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema?: Schema;
  type?: string;
  collectionFormat?: string;
}
interface Operation {
  operationId: string;
  description?: string;
  parameters?: Parameter[];
  responses: Record<string, { schema?: Schema; 'x-amzn-api-sandbox'?: { static?: SandboxCase[] } }>;
}
interface SandboxCase {
  response: unknown;
}
const modelFiles = [
  'listingsItems_2021-08-01',
  'orders_2026-01-01',
  'notifications',
  'feeds_2021-06-30',
  'sellers',
];

interface Known {
  operation: Operation;
  document: Schema;
  method: string;
  template: RegExp;
  common: Parameter[];
}

const known: Known[] = hasModels ? modelFiles.flatMap(operationsOf) : [];

function operationsOf(file: string): Known[] {
  const document = load(join('models', `${file}.json`));
  const paths = document['paths'] as Record<string, Record<string, unknown>>;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(
        ([, operation]) => typeof operation === 'object' && operation !== null && 'operationId' in operation,
      )
      .map(([method, operation]) => ({
        operation: operation as Operation,
        document,
        method: method.toUpperCase(),
        template: new RegExp(`^${path.replace(/\{[^}]+\}/g, '[^/]+')}$`),
        common: (methods['parameters'] ?? []) as Parameter[],
      })),
  );
}

function find(method: string, path: string): Known | undefined {
  return known.find((each) => each.method === method && each.template.test(path));
}

/** What a request breaks: an unknown operation or parameter, a missing one, a value that its model forbids. */
export function requestFaults(request: {
  method: string;
  path: string;
  query: URLSearchParams;
  json: unknown;
}): string[] {
  const one = find(request.method, request.path);
  if (one === undefined) return [`${request.method} ${request.path}: no such operation`];
  const { operation, document } = one;
  const parameters = [...(operation.parameters ?? []), ...one.common].map((each) =>
    '$ref' in each ? (resolve(String(each['$ref']), document) as unknown as Parameter) : each,
  );
  const found: string[] = [];
  const ofQuery = parameters.filter((each) => each.in === 'query');
  for (const name of new Set(request.query.keys()))
    if (!ofQuery.some((each) => each.name === name))
      found.push(`${operation.operationId}: no parameter ${name}`);
  for (const each of ofQuery) {
    const text = request.query.get(each.name);
    if (text === null) {
      if (each.required === true) found.push(`${operation.operationId}: parameter ${each.name} is missing`);
    } else found.push(...violations(each as unknown as Schema, typed(each, text), document, `?${each.name}`));
  }
  const body = parameters.find((each) => each.in === 'body');
  if (body?.schema !== undefined) found.push(...violations(body.schema, request.json, document, 'body'));
  else if (request.json !== undefined) found.push(`${operation.operationId}: takes no body`);
  return found;
}

function typed({ type }: Parameter, text: string): unknown {
  if (type === 'array') return text.split(',');
  return type === 'integer' ? Number(text) : text;
}

/** What an answer breaks, so that a script never teaches the adapter something that Amazon does not say. */
export function answerFaults(method: string, path: string, status: number, json: unknown): string[] {
  const one = find(method, path);
  const schema = one?.operation.responses[String(status)]?.schema;
  if (one === undefined || schema === undefined) return [];
  return violations(schema, json, one.document, `${one.operation.operationId} ${status}`);
}

/** Rate and burst from the usage plan in an operation's description; null where it has none. */
export function publishedRate(operationId: string): { rate: number; burst: number } | null {
  const one = known.find((each) => each.operation.operationId === operationId);
  const row = /\n\|\s*(?:Default\s*\|\s*)?([\d.]+)\s*\|\s*(\d+)\s*\|/.exec(one?.operation.description ?? '');
  return row === null ? null : { rate: Number(row[1]), burst: Number(row[2]) };
}

/** The static answers that the official sandbox gives for an operation with 200. */
export function sandboxAnswers(operationId: string): unknown[] {
  const one = known.find((each) => each.operation.operationId === operationId);
  return (one?.operation.responses['200']?.['x-amzn-api-sandbox']?.static ?? []).map(
    ({ response }) => response,
  );
}
