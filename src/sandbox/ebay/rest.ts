import { obeyWrite } from '../kit/ground.ts';
import { routeOf } from '../kit/routes.ts';
import { answered, type ShopAnswer, type ShopRequest } from '../kit/server.ts';
import { listOf, tableOf, textOf } from '../kit/untyped.ts';
import type { Auth, Grant } from './auth.ts';
import { errorsOf, type RestCall, RestProblem, type Route, systemError } from './call.ts';
import type { Family } from './quota.ts';
import { dayEndsAt, type Quotas } from './quota.ts';
import type { Counter, State } from './state.ts';

const { bad, problem } = errorsOf('ACCESS');

interface Deps {
  state: State;
  auth: Auth;
  quotas: Quotas;
  routes: readonly Route[];
  disturb(counters: Counter[]): void;
}

/** The REST side: faults, token, headers, route, faults again. Null: the connection is cut. */
export function createRest(deps: Deps): (request: ShopRequest) => Promise<ShopAnswer | null> {
  const { state } = deps;
  const random = state.random.fork('rest');
  const { faults } = state;

  const foundFor = (request: ShopRequest): { route: Route; params: string[] } => {
    const found = routeOf(deps.routes, request, request.path);
    if (typeof found !== 'string') return { ...found, params: found.params.map(decoded) };
    const status = found === 'wrong method' ? 405 : 404;
    throw problem(status, 2002, 'Resource not found');
  };

  const failBefore = (family: Family): void => {
    if (faults.hits('error_500')) throw outage(family);
    if (faults.hits('throttle'))
      throw tooMany(random.chance(0.5) ? Math.max(1, Math.round(30 / state.timeScale)) : null);
    if (deps.quotas.take(family)) return;
    const seconds = Math.max(1, Math.ceil((dayEndsAt(state) - state.now()) / 1000));
    throw tooMany(random.chance(0.5) ? seconds : null);
  };

  return async (request) => {
    // EBAY-6: brackets and bars must be encoded; the front server does not even ask the API.
    if (/[[\]{}|]/.test(request.rawTarget)) {
      const headers = { 'content-type': 'text/html' };
      return { status: 400, headers, body: '<html><body>Bad Request</body></html>' };
    }
    const { route, params } = foundFor(request);
    if (faults.hits('timeout')) return null;
    failBefore(route.family);
    const grant = grantOf(deps, request, route);
    checkHeaders(request, route);
    const { query, path } = request;
    const { length } = request.body;
    const call: RestCall = { path, query, params, body: bodyOf(request), length, grant, writes: [] };
    if (route.writesStock !== true) return route.run(call);
    const run = () => {
      deps.disturb(named(state, call));
      return answered(() => route.run(call));
    };
    return obeyWrite(state, { run, failure: () => outage(route.family).answer, writes: call.writes });
  };
}

const outages: Partial<Record<Family, [domain: string, errorId: number, message: string]>> = {
  inventory: ['API_INVENTORY', 25001, 'A system error has occurred.'],
  fulfillment: ['API_FULFILLMENT', 30500, 'System error.'],
};

function outage(family: Family): RestProblem {
  return new RestProblem(500, systemError(...(outages[family] ?? ['ACCESS', 2003, 'Internal error'])));
}

/** EBAY-7: `Retry-After` is not always there. */
function tooMany(seconds: number | null): RestProblem {
  const error = bad(2001, 'Too many requests.');
  return new RestProblem(429, error, seconds === null ? {} : { 'Retry-After': String(seconds) });
}

/** EBAY-1.4: Bearer, but IAF for Post-Order. */
function grantOf({ auth }: Deps, request: ShopRequest, route: Route): Grant {
  auth.desk.strike();
  const scheme = route.family === 'postorder' ? 'IAF' : 'Bearer';
  const [, token] = new RegExp(`^${scheme} (.+)$`).exec(request.headers['authorization'] ?? '') ?? [];
  const grant = auth.grantOf(token);
  if (grant === null) {
    const { bad: oauth } = errorsOf('OAuth');
    const error =
      token === undefined ? oauth(1002, 'Missing access token') : oauth(1001, 'Invalid access token');
    throw new RestProblem(401, error, { 'WWW-Authenticate': 'Bearer error="invalid_token"' });
  }
  const right = route.token === 'any' || route.token === grant.kind;
  const scoped = route.scopes.length === 0 || route.scopes.some((needed) => grant.scopes.includes(needed));
  if (right && scoped) return grant;
  throw new RestProblem(403, {
    ...bad(1100, 'Access denied'),
    longMessage: 'Insufficient permissions to fulfill the request.',
  });
}

/** EBAY-1.4 and EBAY-9.1: Inventory wants one explicit locale, on reads too, and the content's on writes. */
function checkHeaders(request: ShopRequest, route: Route): void {
  const needsBody = request.method === 'PUT' || (request.method === 'POST' && request.body.length > 0);
  if (needsBody && !/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw problem(415, 2004, 'Invalid content type');
  }
  if (route.family !== 'inventory') return;
  const locale = /^[a-z]{2}-[A-Z]{2}\b/;
  const wrong = (name: string) =>
    errorsOf('API_INVENTORY').problem(400, 25709, `Invalid value for header ${name}.`, { name });
  if (!locale.test(request.headers['accept-language'] ?? '')) throw wrong('Accept-Language');
  const write = needsBody && !request.path.endsWith('/bulk_get_inventory_item');
  if (write && !locale.test(request.headers['content-language'] ?? '')) throw wrong('Content-Language');
}

function bodyOf(request: ShopRequest): unknown {
  if (request.body.length === 0) return null;
  try {
    return JSON.parse(request.body.toString('utf8'));
  } catch {
    throw problem(400, 2004, 'Could not read the request body');
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function named(state: State, call: RestCall): Counter[] {
  const skus = listOf(tableOf(call.body)['requests']).map((row) => textOf(tableOf(row)['sku']));
  return [...skus, ...call.params].flatMap((sku) => state.bySku.get(sku) ?? []);
}
