import { type Buckets, createBuckets } from '../kit/buckets.ts';
import { obeyWrite } from '../kit/ground.ts';
import { routeOf } from '../kit/routes.ts';
import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import type { Auth } from './auth.ts';
import type { Call, Result, Route } from './call.ts';
import { Problem, problemAnswer } from './problem.ts';
import type { Site } from './site.ts';

export interface GatewayDeps {
  site: Site;
  auth: Auth;
  routes: readonly Route[];
  /** Calls a second and at once, in each family. No numbers are published; these are the shop's own. */
  rate: { perSecond: number; burst: number };
}

/** The door of the API: faults, token, rate, route, faults again (FK-1.4, FK-6). Null: the connection is cut. */
export function createGateway(deps: GatewayDeps): (request: ShopRequest) => Promise<ShopAnswer | null> {
  const { site, routes, rate } = deps;
  const buckets: Buckets = createBuckets(site.now, site.timeScale);

  const handle = async (request: ShopRequest): Promise<ShopAnswer | null> => {
    const failing = failureBefore(site);
    if (failing !== null) return failing === 'cut' ? null : failing;
    admit(deps, request);
    const found = routeOf(routes, request, decoded(request.path));
    if (typeof found === 'string')
      throw new Problem(found === 'wrong method' ? 405 : 404, 'no such resource');
    const { route, params } = found;
    if (!buckets.take(route.family, { rate: rate.perSecond, burst: rate.burst })) throw tooMany();
    return obey(site, route, { query: request.query, params, body: bodyIn(request), writes: [] });
  };

  return (request) =>
    handle(request).catch((error: unknown) => {
      if (error instanceof Problem) return problemAnswer(error);
      throw error;
    });
}

/** What happens before anybody asks who calls. */
function failureBefore({ faults, random }: Site): ShopAnswer | 'cut' | null {
  if (faults.hits('timeout')) return 'cut';
  if (faults.hits('error_500')) throw new Problem(500, 'internal server error');
  if (faults.hits('error_503')) throw new Problem(503, 'service unavailable');
  if (faults.hits('throttle')) throw tooMany();
  if (!faults.hits('html')) return null;
  return {
    status: random.chance(0.5) ? 200 : 503,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: '<html><head><title>We will be back soon</title></head><body>Oops</body></html>',
  };
}

function admit({ site: { faults }, auth }: GatewayDeps, request: ShopRequest): void {
  const refused = faults.hits('auth');
  if (refused) auth.refuseNext();
  if (refused || faults.hits('token_expiry')) auth.expire();
  if (!auth.admits(request.headers['authorization'])) {
    throw new Problem(401, 'access token is missing, invalid or expired', {
      'www-authenticate': 'Bearer realm="oauth", error="invalid_token"',
    });
  }
  if (faults.hits('forbidden')) throw new Problem(403, 'the application has no access to this seller');
}

async function obey(site: Site, route: Route, call: Call): Promise<ShopAnswer | null> {
  const { faults, random } = site;
  const gaveUp = () => new Problem(499, 'connection timed out');
  const run = () => answerOf(route.run(call));
  if (route.writes !== true) {
    if (faults.hits('error_499')) throw gaveUp();
    return run();
  }
  return obeyWrite(site, {
    run() {
      const lost = faults.hits('error_499');
      if (lost && random.chance(0.5)) throw gaveUp();
      const answer = run();
      if (lost) throw gaveUp();
      return answer;
    },
    late: () => () => {
      try {
        run();
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
      }
    },
    failure() {
      throw new Problem(500, 'internal server error');
    },
    writes: call.writes,
  });
}

function tooMany(): Problem {
  return new Problem(429, 'too many requests');
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new Problem(400, 'the path is not valid UTF-8');
  }
}

/** Parsed; null for a call without one. Throws Problem 400. */
function bodyIn(request: ShopRequest): unknown {
  if (request.method !== 'POST') return null;
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? ''))
    throw new Problem(400, 'Content-Type must be application/json');
  try {
    return JSON.parse(request.body.toString('utf8'));
  } catch {
    throw new Problem(400, 'the body is not valid JSON');
  }
}

function answerOf(result: Result): ShopAnswer {
  return { status: result.status, body: JSON.stringify(result.body) };
}
