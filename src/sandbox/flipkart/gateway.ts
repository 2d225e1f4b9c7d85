import { createBuckets, type Rate } from '../kit/buckets.ts';
import { obeyWrite } from '../kit/ground.ts';
import { routeOf } from '../kit/routes.ts';
import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import type { Auth } from './auth.ts';
import { bad, type Call, need, Problem, type Route } from './call.ts';
import type { Site } from './site.ts';

/** The door of the API: faults, token, rate, route, faults again (FK-1.4, FK-6). Null: the connection is cut. */
export function createGateway(
  site: Site,
  auth: Auth,
  /** Calls a second and at once, in each family. No numbers are published; these are the shop's own. */
  { routes, rate }: { routes: readonly Route[]; rate: Rate },
): (request: ShopRequest) => Promise<ShopAnswer | null> {
  const buckets = createBuckets(site.now, site.timeScale);

  return async (request) => {
    const failing = failureBefore(site);
    if (failing !== undefined) return failing;
    admit(site, auth, request);
    const found = routeOf(routes, request, decoded(request.path));
    if (typeof found === 'string')
      throw new Problem(found === 'wrong method' ? 405 : 404, 'no such resource');
    const { route, params } = found;
    if (!buckets.take(route.family, rate)) throw tooMany();
    return obey(site, route, { query: request.query, params, body: bodyIn(request), writes: [] });
  };
}

/** What happens before anybody asks who calls; nothing, most of the time. */
function failureBefore({ faults, random }: Site): ShopAnswer | null | undefined {
  if (faults.hits('timeout')) return null;
  if (faults.hits('error_500')) throw new Problem(500, 'internal server error');
  if (faults.hits('error_503')) throw new Problem(503, 'service unavailable');
  if (faults.hits('throttle')) throw tooMany();
  if (!faults.hits('html')) return undefined;
  return {
    status: random.chance(0.5) ? 200 : 503,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: '<html><head><title>We will be back soon</title></head><body>Oops</body></html>',
  };
}

function admit({ faults }: Site, { desk }: Auth, { headers }: ShopRequest): void {
  desk.strike();
  if (desk.grantOf(/^Bearer (.+)$/.exec(headers['authorization'] ?? '')?.[1]) === null) {
    throw new Problem(401, 'access token is missing, invalid or expired', {
      'www-authenticate': 'Bearer realm="oauth", error="invalid_token"',
    });
  }
  if (faults.hits('forbidden')) throw new Problem(403, 'the application has no access to this seller');
}

async function obey(site: Site, route: Route, call: Call): Promise<ShopAnswer | null> {
  const { faults, random } = site;
  const gaveUp = () => new Problem(499, 'connection timed out');
  if (route.writes !== true) {
    if (faults.hits('error_499')) throw gaveUp();
    return route.run(call);
  }
  return obeyWrite(site, {
    run() {
      const lost = faults.hits('error_499');
      if (lost && random.chance(0.5)) throw gaveUp();
      const answer = route.run(call);
      if (lost) throw gaveUp();
      return answer;
    },
    late: () => () => route.run(call),
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
    return bad('the path is not valid UTF-8');
  }
}

/** Parsed; null for a call without one. Throws Problem 400. */
function bodyIn({ method, headers, body }: ShopRequest): unknown {
  if (method !== 'POST') return null;
  const isJson = /^application\/json\b/i.test(headers['content-type'] ?? '');
  need(isJson, 'Content-Type must be application/json');
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return bad('the body is not valid JSON');
  }
}
