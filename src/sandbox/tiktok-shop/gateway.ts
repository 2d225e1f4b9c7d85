import { createBuckets } from '../kit/buckets.ts';
import { obeyWrite } from '../kit/ground.ts';
import type { Random } from '../kit/random.ts';
import { jsonAnswer, type ShopAnswer, type ShopRequest } from '../kit/server.ts';
import { tableOf } from '../kit/untyped.ts';
import { type Call, invalid, Refusal, type Route } from './call.ts';
import { requestSignature } from './sign.ts';
import type { State } from './state.ts';
import type { Tokens } from './tokens.ts';

interface Deps {
  state: State;
  tokens: Tokens;
  routes: readonly Route[];
  /** Something happens between a caller's read and its write. */
  disturb(call: Call): void;
}

const oldestMs = 300_000;
const newestMs = 30_000;
const page = '<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>';

/** The one host of all markets: route, faults, credentials, limits, handler, faults again (TTS-0, TTS-1 and TTS-9). */
export function createGateway(deps: Deps) {
  const { state } = deps;
  const { faults } = state;
  const random = state.random.fork('gateway');
  const limits = createBuckets(state.now, state.timeScale);

  const dated = (answer: ShopAnswer): ShopAnswer => ({
    ...answer,
    headers: { Date: new Date(state.now()).toUTCString(), ...answer.headers },
  });
  const envelope = (status: number, code: number, [message, data]: [string, unknown]): ShopAnswer =>
    dated(jsonAnswer(status, { code, message, request_id: requestId(state, random), data }));

  /** Runs anything as an API call would be: a refusal becomes an envelope. */
  const enveloped = async (act: () => Answer | Promise<Answer>): Promise<Answer> => {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const answer = envelope(error.status, error.code, [error.message, null]);
      return { ...answer, headers: { ...answer.headers, ...error.headers } };
    }
  };

  const handle = async (request: ShopRequest): Promise<Answer> => {
    const { route, params } = routeOf(deps.routes, request);
    if (faults.hits('timeout')) return null;
    const page = failBefore(state, random, route);
    if (page !== null) return dated(page);
    authorize(deps, request, route);
    const bucket = `${route.method} ${route.domain} ${route.rest}`;
    if (!limits.take(bucket, route.rate)) throw tooMany(state, random);
    const call: Call = { query: request.query, params, body: bodyOf(request), writes: [] };
    const run = () => envelope(200, 0, ['Success', route.run(call)]);
    if (route.writesStock !== true) return run();
    deps.disturb(call);
    return obeyWrite(state, {
      run() {
        const answer = run();
        if (faults.hits('timeout_in_200')) throw new Refusal(200, 36009007, 'Gateway timeout.');
        return answer;
      },
      late: () => () => enveloped(run),
      failure() {
        throw new Refusal(500, 36009003, 'Internal error.');
      },
      writes: call.writes,
    });
  };

  return { enveloped, answer: (request: ShopRequest) => enveloped(() => handle(request)) };
}

/** Null: the connection is cut. */
type Answer = ShopAnswer | null;

/** What fails before anything is looked at: a page of HTML, or a refusal. */
function failBefore(state: State, random: Random, { domain }: Route): ShopAnswer | null {
  const { faults } = state;
  if (faults.hits('error_500')) throw new Refusal(500, 36009003, 'Internal error.');
  const html = { headers: { 'content-type': 'text/html' }, body: page };
  if (faults.hits('overload')) return { status: 503, ...html };
  if (faults.hits('html')) return { status: 200, ...html };
  if (faults.hits('throttle')) throw tooMany(state, random);
  if (faults.hits('throttle_in_200')) {
    const product = domain === 'product' && random.chance(0.5);
    throw new Refusal(200, product ? 12052109 : 36009002, 'Too many requests. Please try again later.');
  }
  if (faults.hits('hourly_limit')) {
    throw new Refusal(429, 36009037, 'The hourly request limit of the sandbox shop is reached.');
  }
  if (faults.hits('internal_in_200')) {
    throw new Refusal(200, random.pick([36009003, 36009007, 12001000, 33001002]), 'Internal error.');
  }
  return null;
}

/** TTS-9: an unknown path is 404 whoever asks. */
function routeOf(routes: readonly Route[], { method, path }: ShopRequest) {
  const [, domain = '', version = '', rest = ''] = /^\/([a-z_]+)\/(\d{6})\/(.+)$/.exec(path) ?? [];
  const fitting = routes.flatMap((route) => {
    const match = route.domain === domain ? route.rest.exec(rest) : null;
    return match === null ? [] : [{ route, params: match.slice(1) }];
  });
  if (fitting.length === 0) throw new Refusal(404, 36009009, 'Invalid path.');
  const own = fitting.filter(({ route }) => route.method === method);
  if (own.length === 0) throw new Refusal(405, 36009010, 'Invalid method.');
  const found = own.find(({ route }) => route.versions.includes(version));
  if (found === undefined) throw new Refusal(400, 36009014, 'Invalid API version.');
  return found;
}

/** App, time, signature, token, scope and shop, in this order. */
function authorize(deps: Deps, request: ShopRequest, route: Route): void {
  const { state, tokens } = deps;
  const { faults } = state;
  const { query, headers } = request;
  const { appKey, appSecret } = tokens.credentials;
  const credentials = (what: string) =>
    invalid(`Invalid credentials. Invalid '${what}' query parameter. Check the value and try again.`);
  if (query.get('app_key') !== appKey) throw credentials('app_key');
  if (faults.hits('ip_refused')) throw new Refusal(401, 36009033, 'The IP address is not in the allow list.');
  const timestamp = query.get('timestamp') ?? '';
  const skewMs = Number(timestamp) * 1_000 - state.now();
  // The window measures the caller's clock, which runs no faster in a sandbox: the time scale does not divide it.
  if (!/^\d{10}$/.test(timestamp) || skewMs < -oldestMs || skewMs > newestMs) throw credentials('timestamp');
  const multipart = (headers['content-type'] ?? '').startsWith('multipart/form-data');
  const sign = requestSignature(appSecret, {
    path: request.path,
    query,
    body: request.method === 'GET' ? Buffer.alloc(0) : request.body,
    ...(multipart ? { multipart } : {}),
  });
  if (query.get('sign') !== sign)
    throw new Refusal(401, 106001, 'Invalid sign. The signature does not match.');
  checkToken(deps, headers['x-tts-access-token'] ?? '', route);
  checkCipher(state, query.get('shop_cipher'), route);
  if (faults.hits('shop_inactive')) throw new Refusal(401, 36009043, 'The shop is inactive.');
  if (faults.hits('seller_inactive')) throw new Refusal(401, 36009044, 'The seller is inactive.');
}

function checkToken({ state, tokens }: Deps, token: string, route: Route): void {
  const { faults } = state;
  tokens.desk.strike();
  const scopes = tokens.scopesOf(token);
  if (scopes === null) {
    throw new Refusal(401, 105002, 'Expired credentials. The access_token is invalid or has expired.');
  }
  if (faults.hits('wrong_token_shop')) {
    throw new Refusal(401, 101000, 'The access_token does not match the shop or has a wrong user_type.');
  }
  const withdrawn = route.scope === 'seller.product.write' && faults.armed().includes('missing_scope');
  if (!scopes.includes(route.scope) || withdrawn) {
    throw new Refusal(403, 105005, 'Access denied. The scope is not granted by the seller.');
  }
}

function checkCipher(state: State, cipher: string | null, route: Route): void {
  if (route.noCipher === true) {
    if (cipher === null) return;
    throw invalid(`Unexpected 'shop_cipher' query parameter: it is not required by this endpoint.`);
  }
  if (cipher === null || cipher === '') {
    throw new Refusal(400, 106013, `Missing 'shop_cipher' query parameter.`);
  }
  if (cipher !== state.seller.cipher) {
    throw new Refusal(401, 101000, 'The shop_cipher does not match a shop that authorised the app.');
  }
}

function bodyOf(request: ShopRequest): Record<string, unknown> {
  if (request.method === 'GET' || request.body.length === 0) return {};
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new Refusal(415, 36009022, 'Invalid content type.');
  }
  try {
    const body: unknown = JSON.parse(request.body.toString('utf8'));
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return tableOf(body);
  } catch {
    // Told below.
  }
  throw new Refusal(400, 36009023, 'Invalid request body.');
}

/** TTS-6: `Retry-After` comes as seconds, as a date, or not at all. */
function tooMany(state: State, random: Random): Refusal {
  const waitMs = Math.max(1_000, Math.round(30_000 / state.timeScale));
  const after = random.pick([
    { 'Retry-After': String(Math.ceil(waitMs / 1_000)) },
    { 'Retry-After': new Date(state.now() + waitMs + 1_000).toUTCString() },
    {},
  ] as Record<string, string>[]);
  return new Refusal(429, 36009002, 'Too many requests. Please try again later.', after);
}

function requestId(state: State, random: Random): string {
  const digits = new Date(state.now()).toISOString().replace(/\D/g, '').slice(0, 14);
  return `${digits}${random.hex(18).toUpperCase()}`;
}
