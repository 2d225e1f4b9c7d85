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
  const seller = (
    name: string,
    method: string,
    path: RegExp,
    [rate, burst]: [number, number],
    handle: Handler,
  ): Operation => ({ name, method, path, rate, burst, token: 'seller', handle });
  const note = (
    name: string,
    method: string,
    path: RegExp,
    token: TokenKind,
    handle: Handler,
  ): Operation => ({ name, method, path, token, ...notificationLimit, handle });

  const item = /^\/listings\/2021-08-01\/items\/([^/]+)\/([^/]+)$/;
  const feed = /^\/feeds\/2021-06-30\/feeds\/([^/]+)$/;
  const feedList = /^\/feeds\/2021-06-30\/feeds$/;
  const destinations = /^\/notifications\/v1\/destinations$/;
  const destination = /^\/notifications\/v1\/destinations\/([^/]+)$/;
  const byType = /^\/notifications\/v1\/subscriptions\/([^/]+)$/;
  const byId = /^\/notifications\/v1\/subscriptions\/([^/]+)\/([^/]+)$/;
  return [
    seller(
      'getMarketplaceParticipations',
      'GET',
      /^\/sellers\/v1\/marketplaceParticipations$/,
      [0.016, 15],
      account.participations,
    ),
    seller('searchListingsItems', 'GET', /^\/listings\/2021-08-01\/items\/([^/]+)$/, [5, 5], listings.search),
    seller('getListingsItem', 'GET', item, [5, 10], listings.get),
    { ...seller('patchListingsItem', 'PATCH', item, [5, 5], listings.patch), gated: true, writes: true },
    seller('searchOrders', 'GET', /^\/orders\/2026-01-01\/orders$/, [0.0056, 20], orders.search),
    seller('getOrder', 'GET', /^\/orders\/2026-01-01\/orders\/([^/]+)$/, [0.5, 30], orders.get),
    seller('getOrders', 'GET', /^\/orders\/v0\/orders$/, [0.0167, 20], orders.searchV0),
    seller('getOrderV0', 'GET', /^\/orders\/v0\/orders\/([^/]+)$/, [0.5, 30], orders.getV0),
    seller('getOrderItems', 'GET', /^\/orders\/v0\/orders\/([^/]+)\/orderItems$/, [0.5, 30], orders.itemsV0),
    seller('getInventorySummaries', 'GET', /^\/fba\/inventory\/v1\/summaries$/, [2, 2], account.inventory),
    seller(
      'createFeedDocument',
      'POST',
      /^\/feeds\/2021-06-30\/documents$/,
      [0.5, 15],
      feeds.routes.createDocument,
    ),
    seller(
      'getFeedDocument',
      'GET',
      /^\/feeds\/2021-06-30\/documents\/([^/]+)$/,
      [0.0222, 10],
      feeds.routes.getDocument,
    ),
    {
      ...seller('createFeed', 'POST', feedList, [0.0083, 15], feeds.routes.create),
      gated: true,
      writes: true,
    },
    seller('getFeeds', 'GET', feedList, [0.0222, 10], feeds.routes.list),
    seller('getFeed', 'GET', feed, [2, 15], feeds.routes.get),
    seller('cancelFeed', 'DELETE', feed, [2, 15], feeds.routes.cancel),
    note('getDestinations', 'GET', destinations, 'grantless', notes.destinations),
    note('createDestination', 'POST', destinations, 'grantless', notes.addDestination),
    note('getDestination', 'GET', destination, 'grantless', notes.destination),
    note('deleteDestination', 'DELETE', destination, 'grantless', notes.dropDestination),
    note('getSubscriptions', 'GET', /^\/notifications\/v1\/subscriptions$/, 'seller', notes.subscriptions),
    note('getSubscription', 'GET', byType, 'seller', notes.subscription),
    { ...note('createSubscription', 'POST', byType, 'seller', notes.subscribe), gated: true },
    note('getSubscriptionById', 'GET', byId, 'grantless', notes.subscriptionById),
    note('deleteSubscriptionById', 'DELETE', byId, 'grantless', notes.unsubscribe),
    note(
      'sendTestNotification',
      'POST',
      /^\/notifications\/v1\/subscriptions\/([^/]+)\/testNotification$/,
      'grantless',
      notes.test,
    ),
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
      return problemAnswer(
        site.random.chance(0.7)
          ? internalFailure()
          : new Problem(503, 'ServiceUnavailable', 'Service is temporarily unavailable.', ''),
      );
    }
    limit(operation);
    if (operation.writes !== true) return run(operation, call);
    if (operation.name === 'patchListingsItem' && faults.hits('sale_before_write')) {
      deps.orders.sellOne(call.params[1] ?? '');
    }
    const obey = () => run(operation, call);
    const failure = () => problemAnswer(internalFailure());
    return (await obeyWrite(site, { run: obey, runLate: obey, failure, writes: call.writes })) ?? 'cut';
  };

  /** Told on 2xx, 400 and 404 only, and not even there always (AMZ-7). */
  const rateHeader = (operation: Operation, status: number): Record<string, string> =>
    (status < 300 || status === 400 || status === 404) && site.random.chance(0.9)
      ? {
          'x-amzn-RateLimit-Limit': String(
            Number(scaledRate(operation.rate * site.usagePlan, site.timeScale).toPrecision(4)),
          ),
        }
      : {};

  const answer = async (request: ShopRequest): Promise<ShopAnswer | null> => {
    const [path = '/'] = request.rawTarget.split('?');
    const operation = operations.find((one) => one.method === request.method && one.path.test(path));
    const id = { 'x-amzn-RequestId': site.uuid() };
    try {
      // An un-encoded slash in a SKU leads here, too.
      if (operation === undefined) throw denied();
      admit(request, operation);
      const call: Call = {
        params: decoded(operation.path.exec(path) ?? []),
        query: request.query,
        body: request.body.toString('utf8'),
        writes: [],
      };
      const result = await serve(operation, call);
      if (result === 'cut') return null;
      const headers = { ...id, ...rateHeader(operation, result.status), ...result.headers };
      return { ...result, headers };
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
