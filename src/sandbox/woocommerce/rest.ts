import { obeyWrite } from '../kit/ground.ts';
import type { WriteRecord } from '../kit/records.ts';
import type { ShopAnswer, ShopHandler, ShopRequest } from '../kit/server.ts';
import { authenticate } from './auth.ts';
import { BrokenOff } from './batch.ts';
import { answerBeforeRest, fatal, gatewayTimeout, PHP_NOTICE } from './front.ts';
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

type Run = (site: Site, call: RestCall, queue: WebhookQueue) => RestResult | Promise<RestResult>;

const EDIT = ['POST', 'PUT', 'PATCH'];

function routesOf(site: Site, queue: WebhookQueue): Route[] {
  const route = (methods: string[], path: string, act: Act, run: Run): Route => ({
    methods,
    pattern: new RegExp(`^${path.replaceAll('#', '(\\d+)')}$`),
    act,
    run: (call) => run(site, call, queue),
  });
  const shelf = (path: string) => [
    route(['POST'], path, 'create', products.createProduct),
    route(EDIT, `${path}/batch`, 'batch', products.batchProducts),
    route(EDIT, `${path}/#`, 'edit', products.updateProduct),
    route(['DELETE'], `${path}/#`, 'delete', products.deleteProduct),
  ];
  const variations = '/products/#/variations';
  return [
    route(['GET'], '/products', 'list', products.listProducts),
    route(['GET'], '/products/#', 'view', products.getProduct),
    ...shelf('/products'),
    route(['GET'], variations, 'list', products.listVariations),
    route(['GET'], `${variations}/#`, 'view', products.getVariation),
    ...shelf(variations),
    ...(site.flatVariations ? [route(['GET'], '/variations', 'list', products.listVariations)] : []),
    route(['GET'], '/orders', 'list', orders.listOrders),
    route(['POST'], '/orders', 'create', orders.postOrder),
    route(EDIT, '/orders/batch', 'batch', orders.batchOrders),
    route(['GET'], '/orders/#', 'view', orders.getOrder),
    route(EDIT, '/orders/#', 'edit', orders.putOrder),
    route(['DELETE'], '/orders/#', 'delete', orders.removeOrder),
    route(['GET'], '/orders/#/notes', 'list', orders.listNotes),
    route(['POST'], '/orders/#/notes', 'create', orders.postNote),
    route(['GET'], '/orders/#/refunds', 'list', orders.listRefunds),
    route(['POST'], '/orders/#/refunds', 'create', orders.postRefund),
    route(['GET'], '/orders/#/refunds/#', 'view', orders.getRefund),
    route(['GET'], '/webhooks', 'list', hooks.listWebhooks),
    route(['POST'], '/webhooks', 'create', hooks.postWebhook),
    route(EDIT, '/webhooks/batch', 'batch', hooks.batchWebhooks),
    route(['GET'], '/webhooks/#', 'view', hooks.getWebhook),
    route(EDIT, '/webhooks/#', 'edit', hooks.putWebhook),
    route(['DELETE'], '/webhooks/#', 'delete', hooks.deleteWebhook),
  ];
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

/** The handler of everything under `/wp-json/` and of `/?rest_route=`; null cuts the connection. */
export function createRest(site: Site, queue: WebhookQueue): ShopHandler {
  const routes = routesOf(site, queue);
  return async (request) => {
    const { faults } = site;
    const hangMs = faults.dueMs('timeout');
    if (hangMs !== null) {
      leaveUndone(site, request, { answered: false });
      if (hangMs > 0) await site.pauses.pause(hangMs);
      return null;
    }
    const early = answerBeforeRest(site, request.rawTarget);
    if (early !== null) {
      leaveUndone(site, request, { answered: true });
      return early;
    }
    const writes: WriteRecord[] = [];
    const run = () => dispatch({ site, routes, writes }, request);
    const failed = fatal();
    const failure = () => {
      // That the shop failed is an answer, too.
      for (const write of writes) write.answered = true;
      return failed;
    };
    const answer = isWrite(request) ? await obeyWrite(site, { run, failure, writes }) : await run();
    if (answer === null || answer === failed || !faults.hits('php_notice')) return answer;
    return { ...answer, body: PHP_NOTICE + answer.body };
  };
}

/** Records the stock writes of a call that was not obeyed. */
function leaveUndone(site: Site, request: ShopRequest, as: { answered: boolean }): void {
  if (!isWrite(request)) return;
  try {
    const call = readCall(request, restPath(request).slice(BASE.length), []);
    call.ids = (call.route.match(/\d+/g) ?? []).map(Number);
    for (const write of products.intendedWrites(site, call)) site.records.write({ ...write, ...as });
  } catch (error) {
    if (!(error instanceof RestProblem)) throw error;
  }
}

interface Rest {
  site: Site;
  routes: Route[];
  /** Of this call. */
  writes: WriteRecord[];
}

async function dispatch(rest: Rest, request: ShopRequest): Promise<ShopAnswer> {
  const { site } = rest;
  const path = restPath(request);
  try {
    const call = readCall(request, path.slice(BASE.length), rest.writes);
    if (path === '/wp-json') return answerOf(site, indexOf(site));
    const result = await run(rest, request, call);
    return answerOf(site, { ...result, body: onlyFields(result.body, call.query['_fields']) });
  } catch (error) {
    if (error instanceof BrokenOff) return gatewayTimeout();
    if (!(error instanceof RestProblem)) throw error;
    return answerOf(site, { status: error.status, body: error.body() });
  }
}

/** Credentials first, then the route, then the right to use it. */
async function run({ site, routes }: Rest, request: ShopRequest, call: RestCall): Promise<RestResult> {
  const { method, path, query, headers } = request;
  const key = authenticate(site, { method, path, query, form: call.form, headers });
  const isHere = restPath(request).startsWith(BASE);
  const found = routes.find(
    ({ methods, pattern }) => isHere && methods.includes(call.method) && pattern.test(call.route),
  );
  if (found === undefined) {
    throw new RestProblem('rest_no_route', 'No route was found matching the URL and request method.', 404);
  }
  if (key === null || site.faults.hits('auth')) {
    const [code, message] = REFUSALS[found.act];
    throw new RestProblem(`woocommerce_rest_${code}`, message, 401);
  }
  call.ids = (found.pattern.exec(call.route) ?? []).slice(1).map(Number);
  return found.run(call);
}

/** The path behind the host, from either kind of permalink, no slash at the end. */
export function restPath(request: ShopRequest): string {
  const plain = request.query.get('rest_route');
  const path = plain === null ? request.path : `/wp-json${plain}`;
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}

/** Calls that change products or orders; registering webhooks is left out of the faults that leave a writer in doubt. */
function isWrite(request: ShopRequest): boolean {
  return request.method !== 'GET' && /^\/wp-json\/wc\/v3\/(products|orders)/.test(restPath(request));
}

function answerOf(site: Site, result: RestResult): ShopAnswer {
  return {
    status: result.status,
    headers: {
      'content-type': 'application/json; charset=UTF-8',
      Date: new Date(site.now()).toUTCString(),
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
