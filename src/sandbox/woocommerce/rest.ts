import type { Records } from '../kit/records.ts';
import type { ShopAnswer, ShopHandler, ShopRequest } from '../kit/server.ts';
import { authenticate } from './auth.ts';
import { BrokenOff } from './batch.ts';
import { answerBeforeRest, fatal, gatewayTimeout, PHP_NOTICE } from './faults.ts';
import { phpJson } from './php.ts';
import { RestProblem } from './problem.ts';
import { onlyFields, type RestCall, type RestResult, readCall } from './request.ts';
import * as orders from './routes-orders.ts';
import * as products from './routes-products.ts';
import * as hooks from './routes-webhooks.ts';
import type { Site } from './site.ts';
import type { WebhookQueue } from './webhooks.ts';

/** From a request to an answer: faults, authentication, route, faults again. */

type Act = 'list' | 'view' | 'create' | 'edit' | 'delete' | 'batch';

interface Route {
  methods: string[];
  pattern: RegExp;
  act: Act;
  run(call: RestCall): RestResult | Promise<RestResult>;
}

const EDIT = ['POST', 'PUT', 'PATCH'];

function routesOf(site: Site, queue: WebhookQueue): Route[] {
  const routes: Route[] = [];
  const add = (methods: string[], path: string, act: Act, run: Route['run']) =>
    routes.push({ methods, pattern: new RegExp(`^${path.replaceAll('#', '(\\d+)')}$`), act, run });
  add(['GET'], '/products', 'list', (call) => products.listProducts(site, call));
  add(['POST'], '/products', 'create', (call) => products.createProduct(site, call));
  add(EDIT, '/products/batch', 'batch', (call) => products.batchProducts(site, call));
  add(['GET'], '/products/#', 'view', (call) => products.getProduct(site, call));
  add(EDIT, '/products/#', 'edit', (call) => products.updateProduct(site, call));
  add(['DELETE'], '/products/#', 'delete', (call) => products.deleteProduct(site, call));
  add(['GET'], '/products/#/variations', 'list', (call) =>
    products.listVariations(site, call, products.parentForList(site, call)),
  );
  add(['POST'], '/products/#/variations', 'create', (call) => products.createVariation(site, call));
  add(EDIT, '/products/#/variations/batch', 'batch', (call) => products.batchVariations(site, call));
  add(['GET'], '/products/#/variations/#', 'view', (call) => products.getVariation(site, call));
  add(EDIT, '/products/#/variations/#', 'edit', (call) => products.updateVariation(site, call));
  add(['DELETE'], '/products/#/variations/#', 'delete', (call) => products.deleteVariation(site, call));
  if (site.flatVariations) {
    add(['GET'], '/variations', 'list', (call) => products.listVariations(site, call, null));
  }
  add(['GET'], '/orders', 'list', (call) => orders.listOrders(site, call));
  add(['POST'], '/orders', 'create', (call) => orders.postOrder(site, call));
  add(EDIT, '/orders/batch', 'batch', (call) => orders.batchOrders(site, call));
  add(['GET'], '/orders/#', 'view', (call) => orders.getOrder(site, call));
  add(EDIT, '/orders/#', 'edit', (call) => orders.putOrder(site, call));
  add(['DELETE'], '/orders/#', 'delete', (call) => orders.removeOrder(site, call));
  add(['GET'], '/orders/#/notes', 'list', (call) => orders.listNotes(site, call));
  add(['POST'], '/orders/#/notes', 'create', (call) => orders.postNote(site, call));
  add(['GET'], '/orders/#/refunds', 'list', (call) => orders.listRefunds(site, call));
  add(['POST'], '/orders/#/refunds', 'create', (call) => orders.postRefund(site, call));
  add(['GET'], '/orders/#/refunds/#', 'view', (call) => orders.getRefund(site, call));
  add(['GET'], '/webhooks', 'list', (call) => hooks.listWebhooks(site, call));
  add(['POST'], '/webhooks', 'create', (call) => hooks.postWebhook(site, queue, call));
  add(EDIT, '/webhooks/batch', 'batch', (call) => hooks.batchWebhooks(site, queue, call));
  add(['GET'], '/webhooks/#', 'view', (call) => hooks.getWebhook(site, call));
  add(EDIT, '/webhooks/#', 'edit', (call) => hooks.putWebhook(site, queue, call));
  add(['DELETE'], '/webhooks/#', 'delete', (call) => hooks.deleteWebhook(site, call));
  return routes;
}

const REFUSALS: Record<Act, [string, string]> = {
  list: ['cannot_view', 'Sorry, you cannot list resources.'],
  view: ['cannot_view', 'Sorry, you cannot view this resource.'],
  create: ['cannot_create', 'Sorry, you are not allowed to create resources.'],
  edit: ['cannot_edit', 'Sorry, you are not allowed to edit this resource.'],
  delete: ['cannot_delete', 'Sorry, you are not allowed to delete this resource.'],
  batch: ['cannot_batch', 'Sorry, you are not allowed to batch manipulate this resource.'],
};

const BASE = '/wp-json/wc/v3';

interface Rest {
  site: Site;
  records: Records;
  routes: Route[];
}

/** A call that was dispatched, and what it answered. */
interface Dispatched {
  answer: ShopAnswer;
  call: RestCall | null;
}

/** The handler of everything under `/wp-json/` and of `/?rest_route=`. */
export function createRest(site: Site, records: Records, queue: WebhookQueue): ShopHandler {
  const rest: Rest = { site, records, routes: routesOf(site, queue) };
  return async (request) => {
    const path = restPath(request);
    const answer = await answerThroughWeather(rest, request, path);
    const route = `${request.method} ${path.replace(/\/\d+/g, '/{id}')}`;
    records.request({ route, status: answer?.status ?? 0 });
    return answer;
  };
}

async function answerThroughWeather(
  rest: Rest,
  request: ShopRequest,
  path: string,
): Promise<ShopAnswer | null> {
  const { site } = rest;
  await pause(site, site.faults.dueMs('slow') ?? 0);
  const hangMs = site.faults.dueMs('timeout');
  if (hangMs !== null) {
    leaveUndone(rest, request, path, { answered: false });
    await pause(site, hangMs);
    request.hangUp();
    return null;
  }
  const early = answerBeforeRest(site, request.rawTarget);
  if (early !== null) {
    leaveUndone(rest, request, path, { answered: true });
    return early;
  }
  const writes = isWrite(request, path);
  const lateMs = writes ? site.faults.dueMs('late_apply') : null;
  if (lateMs !== null) {
    site.later(lateMs, () => void dispatch(rest, request, path).then((done) => cutOff(rest, done)));
    request.hangUp();
    return null;
  }
  const done = await dispatch(rest, request, path);
  if (writes && site.faults.hits('apply_then_timeout')) {
    cutOff(rest, done);
    request.hangUp();
    return null;
  }
  keep(rest, done.call);
  if (writes && site.faults.hits('error_500_after')) return fatal();
  if (site.faults.hits('php_notice')) return { ...done.answer, body: PHP_NOTICE + done.answer.body };
  return done.answer;
}

/** Puts the stock writes of a call on record. */
function keep(rest: Rest, call: RestCall | null): void {
  for (const write of call?.writes ?? []) rest.records.keep(write);
}

function cutOff(rest: Rest, done: Dispatched): void {
  for (const write of done.call?.writes ?? []) write.answered = false;
  keep(rest, done.call);
}

/** Records the stock writes of a call that was not obeyed. */
function leaveUndone(rest: Rest, request: ShopRequest, path: string, as: { answered: boolean }): void {
  if (!isWrite(request, path)) return;
  try {
    const call = readCall(request, path.slice(BASE.length));
    call.ids = (call.route.match(/\d+/g) ?? []).map(Number);
    products.intendedWrites(rest.site, call);
    for (const write of call.writes) write.answered = as.answered;
    keep(rest, call);
  } catch (error) {
    if (!(error instanceof RestProblem)) throw error;
  }
}

async function dispatch(rest: Rest, request: ShopRequest, path: string): Promise<Dispatched> {
  const { site } = rest;
  let call: RestCall | null = null;
  try {
    call = readCall(request, path.slice(BASE.length));
    if (path === '/wp-json') return { answer: answerOf(site, indexOf(site)), call };
    const result = await run(rest, request, path, call);
    const fields = call.query['_fields'];
    return { answer: answerOf(site, { ...result, body: onlyFields(result.body, fields) }), call };
  } catch (error) {
    if (error instanceof BrokenOff) return { answer: gatewayTimeout(), call };
    if (!(error instanceof RestProblem)) throw error;
    return { answer: answerOf(site, { status: error.status, body: error.body() }), call };
  }
}

/** Credentials first, then the route, then the right to use it. */
async function run(rest: Rest, request: ShopRequest, path: string, call: RestCall): Promise<RestResult> {
  const { method, query, headers } = request;
  const key = authenticate(rest.site, { method, path: request.path, query, form: call.form, headers });
  const fits = rest.routes.filter((route) => path.startsWith(BASE) && route.pattern.test(call.route));
  const found = fits.find((route) => route.methods.includes(call.method));
  if (found === undefined) {
    throw new RestProblem('rest_no_route', 'No route was found matching the URL and request method.', 404);
  }
  if (key === null || rest.site.faults.hits('auth')) {
    const [code, message] = REFUSALS[found.act];
    throw new RestProblem(`woocommerce_rest_${code}`, message, 401);
  }
  call.ids = (found.pattern.exec(call.route) ?? []).slice(1).map(Number);
  return found.run(call);
}

/** The path behind the host, from either kind of permalink, no slash at the end. */
function restPath(request: ShopRequest): string {
  const plain = request.query.get('rest_route');
  const path = plain === null ? request.path : `/wp-json${plain}`;
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}

/** Calls that change products or orders; registering webhooks is left out of the faults that leave a writer in doubt. */
function isWrite(request: ShopRequest, path: string): boolean {
  return request.method !== 'GET' && /^\/wp-json\/wc\/v3\/(products|orders)/.test(path);
}

function answerOf(site: Site, result: RestResult): ShopAnswer {
  return {
    status: result.status,
    headers: {
      'content-type': 'application/json; charset=UTF-8',
      Date: new Date(site.nowMs()).toUTCString(),
      'X-Robots-Tag': 'noindex',
      ...result.headers,
    },
    body: phpJson(result.body),
  };
}

/** `/wp-json/`, which needs no credentials. */
function indexOf(site: Site): RestResult {
  const sign = site.zoneHours < 0 ? '-' : '+';
  return {
    status: 200,
    body: {
      name: 'Sandbox WooCommerce',
      description: '',
      url: site.home,
      home: site.home,
      gmt_offset: String(site.zoneHours),
      timezone_string: site.zoneHours === 3 ? 'Europe/Istanbul' : '',
      page_for_posts: 0,
      page_on_front: 0,
      show_on_front: 'posts',
      namespaces: [
        'oembed/1.0',
        'wc/v1',
        'wc/v2',
        'wc/v3',
        'wc/store',
        'wc/store/v1',
        'wc-analytics',
        'wp/v2',
      ],
      authentication: [],
      routes: { '/wc/v3': { namespace: 'wc/v3', methods: ['GET'] } },
      timezone: `${sign}${String(Math.abs(site.zoneHours)).padStart(2, '0')}:00`,
    },
  };
}

function pause(site: Site, ms: number): Promise<void> {
  if (ms <= 0) return Promise.resolve();
  return new Promise((resolve) => site.later(ms, resolve));
}
