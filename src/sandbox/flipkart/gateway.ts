import type { Random } from '../random.ts';
import type { ShopAnswer, ShopRequest } from '../server.ts';
import type { Auth } from './auth.ts';
import type { Call, Result, Route } from './call.ts';
import { Problem, problemAnswer } from './problem.ts';
import { type Site, struckMs } from './site.ts';

/** The door of the API: weather, token, rate, route, weather again (FK-1.4, FK-6; last verified 2026-11). */
export interface Gateway {
  /** Null: the connection is cut. */
  answer(request: ShopRequest): Promise<ShopAnswer | null>;
}

export interface GatewayDeps {
  site: Site;
  auth: Auth;
  routes: readonly Route[];
  random: Random;
  /** Calls a second and at once, in each family. No numbers are published; these are the shop's own. */
  rate: { perSecond: number; burst: number };
}

/** Opens the door. */
export function createGateway({ site, auth, routes, random, rate }: GatewayDeps): Gateway {
  const { faults } = site;
  const buckets = new Map<Route['family'], { tokens: number; at: number }>();

  const takeToken = (family: Route['family']) => {
    const now = site.now();
    const bucket = buckets.get(family) ?? { tokens: rate.burst, at: now };
    const grown = ((now - bucket.at) / 1000) * rate.perSecond * site.timeScale;
    bucket.tokens = Math.min(rate.burst, bucket.tokens + grown);
    bucket.at = now;
    buckets.set(family, bucket);
    if (bucket.tokens < 1) throw tooMany();
    bucket.tokens -= 1;
  };

  /** What strikes before anybody asks who calls. */
  const strike = (): ShopAnswer | 'cut' | null => {
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
  };

  const admit = (request: ShopRequest) => {
    const struck = faults.hits('auth');
    if (struck) auth.refuseNext();
    if (struck || faults.hits('token_expiry')) auth.expire();
    if (auth.admits(request.headers['authorization'])) {
      if (faults.hits('forbidden')) throw new Problem(403, 'the application has no access to this seller');
      return;
    }
    throw new Problem(401, 'access token is missing, invalid or expired', {
      'www-authenticate': 'Bearer realm="oauth", error="invalid_token"',
    });
  };

  const obey = (route: Route, call: Call): ShopAnswer | 'cut' => {
    if (route.writes !== true) {
      if (faults.hits('error_499')) throw new Problem(499, 'connection timed out');
      return answerOf(route.run(call));
    }
    const lateMs = struckMs(site, 'late_apply');
    if (lateMs !== null) {
      site.post.add({ afterMs: lateMs, group: 'jobs', run: () => runLate(route, call) });
      return 'cut';
    }
    const lost = faults.hits('error_499');
    if (lost && random.chance(0.5)) throw new Problem(499, 'connection timed out');
    const result = route.run(call);
    if (lost) throw new Problem(499, 'connection timed out');
    if (faults.hits('apply_then_timeout')) return 'cut';
    if (faults.hits('error_500_after')) throw new Problem(500, 'internal server error');
    for (const write of call.writes) write.answered = true;
    return answerOf(result);
  };

  const handle = (request: ShopRequest): ShopAnswer | 'cut' => {
    const struck = strike();
    if (struck !== null) return struck;
    admit(request);
    const { route, params } = routeOf(routes, request);
    takeToken(route.family);
    const call: Call = { query: request.query, params, body: bodyIn(request), writes: [] };
    return obey(route, call);
  };

  return {
    async answer(request) {
      try {
        const answer = handle(request);
        return answer === 'cut' ? null : answer;
      } catch (error) {
        if (error instanceof Problem) return problemAnswer(error);
        throw error;
      }
    },
  };
}

/** Nobody hears the answer, and neither a refusal. */
function runLate(route: Route, call: Call): void {
  try {
    route.run(call);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
}

function tooMany(): Problem {
  return new Problem(429, 'too many requests');
}

function routeOf(routes: readonly Route[], request: ShopRequest): { route: Route; params: string[] } {
  const path = decoded(request.path);
  const fitting = routes.flatMap((route) => {
    const match = route.pattern.exec(path);
    return match === null ? [] : [{ route, params: match.slice(1) }];
  });
  const found = fitting.find(({ route }) => route.method === request.method);
  if (found !== undefined) return found;
  throw new Problem(fitting.length > 0 ? 405 : 404, 'no such resource');
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
