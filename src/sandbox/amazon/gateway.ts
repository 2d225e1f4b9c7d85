import { type Buckets, type Rate, scaledRate } from '../kit/buckets.ts';
import { obeyWrite } from '../kit/ground.ts';
import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import type { Call, Handler } from './call.ts';
import type { Feeds } from './feeds.ts';
import type { Lwa, TokenKind } from './lwa.ts';
import type { Orders } from './orders.ts';
import { denied, internalFailure, Problem, problemAnswer, quotaExceeded } from './problem.ts';
import { accountRoutes } from './routes-account.ts';
import { type ListingDeps, listingRoutes } from './routes-listings.ts';
import { notificationRoutes } from './routes-notifications.ts';
import { orderRoutes } from './routes-orders.ts';
import type { Subscriptions } from './subscriptions.ts';

/** The door of the Selling Partner API: who may, how often, and what goes wrong (AMZ-1.3, AMZ-7, verified 2026-11). */

interface Operation extends Rate {
  name: string;
  method: string;
  path: RegExp;
  token: TokenKind;
  /** Behind a role that may have come too late. */
  gated?: true;
  /** Changes stock: the write faults strike here. */
  writes?: true;
  handle: Handler;
}

export interface GatewayDeps extends ListingDeps {
  lwa: Lwa;
  orders: Orders;
  feeds: Feeds;
  subscriptions: Subscriptions;
  buckets: Buckets;
}

/** Beside the limit of each seller there is one of the application over all (AMZ-5.1; the number is this shop's). */
const applicationLimit = { rate: 20, burst: 40 };
const notificationLimit = { rate: 1, burst: 5 };

function operationsOf(deps: GatewayDeps): Operation[] {
  const { site, subscriptions, feeds } = deps;
  const listings = listingRoutes(deps);
  const orders = orderRoutes(site);
  const account = accountRoutes(site);
  const notes = notificationRoutes(site, subscriptions);
  /** `#` stands for one segment. */
  const at = (path: string) => new RegExp(`^${path.replaceAll('#', '([^/]+)')}$`);
  const seller = (
    name: string,
    [method, path]: [string, string],
    [rate, burst]: [number, number],
    handle: Handler,
  ): Operation => ({ name, method, path: at(path), rate, burst, token: 'seller', handle });
  const note = (
    name: string,
    [method, path]: [string, string],
    token: TokenKind,
    handle: Handler,
  ): Operation => ({
    name,
    method,
    path: at(`/notifications/v1${path}`),
    token,
    ...notificationLimit,
    handle,
  });

  const items = '/listings/2021-08-01/items/#';
  const [v0, v2026] = ['/orders/v0/orders', '/orders/2026-01-01/orders'];
  const feedsApi = '/feeds/2021-06-30';
  const { routes } = feeds;
  const gated = { gated: true } as const;
  const gatedWrite = { gated: true, writes: true } as const;
  return [
    seller(
      'getMarketplaceParticipations',
      ['GET', '/sellers/v1/marketplaceParticipations'],
      [0.016, 15],
      account.participations,
    ),
    seller('searchListingsItems', ['GET', items], [5, 5], listings.search),
    seller('getListingsItem', ['GET', `${items}/#`], [5, 10], listings.get),
    { ...seller('patchListingsItem', ['PATCH', `${items}/#`], [5, 5], listings.patch), ...gatedWrite },
    seller('searchOrders', ['GET', v2026], [0.0056, 20], orders.search),
    seller('getOrder', ['GET', `${v2026}/#`], [0.5, 30], orders.get),
    seller('getOrders', ['GET', v0], [0.0167, 20], orders.searchV0),
    seller('getOrderV0', ['GET', `${v0}/#`], [0.5, 30], orders.getV0),
    seller('getOrderItems', ['GET', `${v0}/#/orderItems`], [0.5, 30], orders.itemsV0),
    seller('getInventorySummaries', ['GET', '/fba/inventory/v1/summaries'], [2, 2], account.inventory),
    seller('createFeedDocument', ['POST', `${feedsApi}/documents`], [0.5, 15], routes.createDocument),
    seller('getFeedDocument', ['GET', `${feedsApi}/documents/#`], [0.0222, 10], routes.getDocument),
    { ...seller('createFeed', ['POST', `${feedsApi}/feeds`], [0.0083, 15], routes.create), ...gatedWrite },
    seller('getFeeds', ['GET', `${feedsApi}/feeds`], [0.0222, 10], routes.list),
    seller('getFeed', ['GET', `${feedsApi}/feeds/#`], [2, 15], routes.get),
    seller('cancelFeed', ['DELETE', `${feedsApi}/feeds/#`], [2, 15], routes.cancel),
    note('getDestinations', ['GET', '/destinations'], 'grantless', notes.destinations),
    note('createDestination', ['POST', '/destinations'], 'grantless', notes.addDestination),
    note('getDestination', ['GET', '/destinations/#'], 'grantless', notes.destination),
    note('deleteDestination', ['DELETE', '/destinations/#'], 'grantless', notes.dropDestination),
    note('getSubscriptions', ['GET', '/subscriptions'], 'seller', notes.subscriptions),
    note('getSubscription', ['GET', '/subscriptions/#'], 'seller', notes.subscription),
    { ...note('createSubscription', ['POST', '/subscriptions/#'], 'seller', notes.subscribe), ...gated },
    note('getSubscriptionById', ['GET', '/subscriptions/#/#'], 'grantless', notes.subscriptionById),
    note('deleteSubscriptionById', ['DELETE', '/subscriptions/#/#'], 'grantless', notes.unsubscribe),
    note('sendTestNotification', ['POST', '/subscriptions/#/testNotification'], 'grantless', notes.test),
  ];
}

export interface Gateway {
  answer(request: ShopRequest): Promise<ShopAnswer | null>;
  /** Method, path and name of every operation, for tests against the models. */
  operations: { name: string; method: string; path: RegExp; rate: number; burst: number }[];
}

export function createGateway(deps: GatewayDeps): Gateway {
  const { site, lwa, buckets } = deps;
  const { faults } = site;
  const operations = operationsOf(deps);

  /** Throws Problem 403 for a caller that may not, 'wrong region' and 'missing role' included. */
  const admit = (request: ShopRequest, operation: Operation) => {
    const agent = request.headers['user-agent'] ?? '';
    if (agent === '' || agent.length > 500) throw denied('The user-agent header is missing or too long.');
    if (faults.hits('token_expiry')) lwa.expireAll();
    const refusal = lwa.refusal(request.headers['x-amz-access-token'], operation.token);
    if (refusal !== null) throw denied(refusal);
    if (operation.token === 'seller' && faults.hits('wrong_region')) throw denied();
    if (operation.gated === true && faults.hits('missing_role')) throw denied();
    if (faults.hits('auth')) {
      lwa.refuseNext();
      throw denied();
    }
  };

  const limit = (operation: Operation) => {
    const { usagePlan } = site;
    const rate = { rate: operation.rate * usagePlan, burst: operation.burst };
    if (faults.hits('throttle') || !buckets.take(operation.name, rate)) throw quotaExceeded();
    if (operation.writes === true && !buckets.take('application', applicationLimit)) {
      throw quotaExceeded('You exceeded your quota for the requested resource: application limit.');
    }
  };

  const run = (operation: Operation, call: Call): ShopAnswer => {
    try {
      return operation.handle(call);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      return problemAnswer(problem);
    }
  };

  /** Everything that happens to a request that was let in; 'cut' when the connection breaks. */
  const serve = async (operation: Operation, call: Call): Promise<ShopAnswer | 'cut'> => {
    const slowMs = site.faults.dueMs('slow');
    if (slowMs !== null && !(await site.pauses.pause(slowMs))) return 'cut';
    if (faults.hits('timeout')) return 'cut';
    if (faults.hits('error_500')) {
      const busy = new Problem(503, 'ServiceUnavailable', 'Service is temporarily unavailable.', '');
      return problemAnswer(site.random.chance(0.7) ? internalFailure() : busy);
    }
    limit(operation);
    if (operation.writes !== true) return run(operation, call);
    if (operation.name === 'patchListingsItem' && faults.hits('sale_before_write')) {
      deps.orders.sellOne(call.params[1] ?? '');
    }
    const failure = () => problemAnswer(internalFailure());
    return (
      (await obeyWrite(site, { run: () => run(operation, call), failure, writes: call.writes })) ?? 'cut'
    );
  };

  /** Told on 2xx, 400 and 404 only, and not even there always (AMZ-7). */
  const rateHeader = ({ rate }: Operation, status: number): Record<string, string> => {
    const told = (status < 300 || status === 400 || status === 404) && site.random.chance(0.9);
    const scaled = scaledRate(rate * site.usagePlan, site.timeScale).toPrecision(4);
    return told ? { 'x-amzn-RateLimit-Limit': String(Number(scaled)) } : {};
  };

  const answer = async (request: ShopRequest): Promise<ShopAnswer | null> => {
    const [path = '/'] = request.rawTarget.split('?');
    const operation = operations.find((one) => one.method === request.method && one.path.test(path));
    const id = { 'x-amzn-RequestId': site.uuid() };
    try {
      // An un-encoded slash in a SKU leads here, too.
      if (operation === undefined) throw denied();
      admit(request, operation);
      const params = decoded(operation.path.exec(path) ?? []);
      const body = request.body.toString('utf8');
      const result = await serve(operation, { params, query: request.query, body, writes: [] });
      if (result === 'cut') return null;
      return { ...result, headers: { ...id, ...rateHeader(operation, result.status), ...result.headers } };
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      const refused = problemAnswer(problem);
      return { ...refused, headers: { ...id, ...refused.headers } };
    }
  };

  return { answer, operations };
}

/** Each segment once; what cannot be decoded is nobody's. */
function decoded(parts: string[]): string[] {
  try {
    return parts.slice(1).map((part) => decodeURIComponent(part));
  } catch {
    throw denied();
  }
}
