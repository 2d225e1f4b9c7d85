import type { WriteRecord } from '../kit/records.ts';
import type { ShopRequest } from '../kit/server.ts';
import { asFields, asFlag, asText, type Fields, queryFields } from './php.ts';
import { invalidParam, RestProblem } from './problem.ts';

/** A REST call after WordPress has read it. */
export interface RestCall {
  method: string;
  /** Behind `/wp-json/wc/v3`, no slash at the end. */
  route: string;
  /** Ids in the route, in order. */
  ids: number[];
  query: Fields;
  /** What the body said; empty for a content type that WordPress does not read (WOO-O.2). */
  body: Fields;
  /** Of a form-encoded POST, for OAuth. */
  form: URLSearchParams | null;
  /** Stock writes of this call, to be marked as answered when the answer leaves. */
  writes: WriteRecord[];
}

export interface RestResult {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

const BOM = '\ufeff';

/** Reads method, parameters and body. Throws 400 `rest_invalid_json`. */
export function readCall(request: ShopRequest, route: string, writes: WriteRecord[]): RestCall {
  const override = request.headers['x-http-method-override'] ?? request.query.get('_method');
  const method = (request.method === 'POST' && override ? override : request.method).toUpperCase();
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const text = request.body.toString('utf8');
  const form = type === 'application/x-www-form-urlencoded' ? new URLSearchParams(text) : null;
  return {
    method,
    route,
    ids: [],
    query: queryFields(request.query),
    body: form !== null ? queryFields(form) : type === 'application/json' ? readJson(text) : {},
    form: request.method === 'POST' ? form : null,
    writes,
  };
}

function readJson(text: string): Fields {
  if (text === '') return {};
  try {
    if (text.startsWith(BOM)) throw new SyntaxError('a BOM');
    return asFields(JSON.parse(text));
  } catch {
    throw new RestProblem('rest_invalid_json', 'Invalid JSON body passed.', 400, {
      json_error_code: 4,
      json_error_message: 'Syntax error',
    });
  }
}

type Kind = 'integer' | 'boolean' | 'string' | { oneOf: readonly string[] };

/** `rest_validate_value_from_schema` for the parameters that are there; batch rows never come here. */
export function validate(input: Fields, schema: Record<string, Kind>): void {
  for (const [name, kind] of Object.entries(schema)) {
    const value = input[name];
    if (value === undefined) continue;
    if (typeof kind === 'object') {
      if (!kind.oneOf.includes(asText(value))) {
        throw invalidParam(name, `${name} is not one of ${kind.oneOf.join(', ')}.`, 'rest_not_in_enum');
      }
    } else if (!fits(value, kind)) {
      throw invalidParam(name, `${name} is not of type ${kind}.`);
    }
  }
}

function fits(value: unknown, kind: 'integer' | 'boolean' | 'string'): boolean {
  if (kind === 'string') return typeof value === 'string';
  if (kind === 'boolean') {
    return typeof value === 'boolean' || [0, 1, '0', '1', 'true', 'false', ''].includes(value as never);
  }
  // A null quantity passes and becomes 0 (WOO-O.2).
  if (value === null) return true;
  if (typeof value === 'number') return Number.isInteger(value);
  return typeof value === 'string' && value.trim() !== '' && Number.isInteger(Number(value));
}

/** `a,b` or a list, as texts. */
export function listParam(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(asText);
  const text = asText(value);
  return text === '' ? [] : text.split(/[\s,]+/).filter((part) => part !== '');
}

export function forced(call: RestCall): boolean {
  return asFlag(call.query['force'] ?? call.body['force']);
}

/** `_fields`: keeps the named keys; inside a list a nested name finds nothing, so the list comes back empty. */
export function onlyFields(value: unknown, fields: unknown): unknown {
  const names = listParam(fields);
  if (names.length === 0) return value;
  const paths = names.map((name) => name.split('.'));
  return Array.isArray(value) ? value.map((entry) => pick(entry, paths)) : pick(value, paths);
}

function pick(value: unknown, paths: string[][]): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return [];
  const kept: Fields = {};
  for (const [key, inner] of Object.entries(value)) {
    const here = paths.filter((path) => path[0] === key).map((path) => path.slice(1));
    if (here.length === 0) continue;
    kept[key] = here.some((path) => path.length === 0) ? inner : pick(inner, here);
  }
  return kept;
}
