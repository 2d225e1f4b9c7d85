import { type Rate, scaledRate } from '../kit/buckets.ts';
import { obeyWrite } from '../kit/ground.ts';
import { type Patterned, routeOf } from '../kit/routes.ts';
import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import { type Call, type Handler, queryOf } from './call.ts';
import type { Feeds } from './feeds.ts';
import type { Lwa, TokenKind } from './lwa.ts';
import type { Floor } from './notifier.ts';
import { sellOne } from './orders.ts';
import { denied, internalFailure, Problem, problemAnswer, quotaExceeded } from './problem.ts';
import { accountRoutes } from './routes-account.ts';
import { listingRoutes } from './routes-listings.ts';
import { notificationRoutes } from './routes-notifications.ts';
import { orderRoutes } from './routes-orders.ts';
import type { Subscriptions } from './subscriptions.ts';

/** The door of the Selling Partner API: who may, how often, and what goes wrong (AMZ-1.3, AMZ-7, verified 2026-11). */

interface Operation extends Rate, Patterned {
  name: string;
  token: TokenKind;
  /** Behind a role that may have come too late. */
  gated?: true;
  /** Changes stock: the write faults strike here. */
  writes?: true;
  handle: Handler;
}

interface Behind {
  lwa: Lwa;
  feeds: Feeds;
  subscriptions: Subscriptions;
}

/** Beside the limit of each seller there is one of the application over all (AMZ-5.1; the number is this shop's). */
const applicationLimit = { rate: 20, burst: 40 };
const notificationLimit = { rate: 1, burst: 5 };

function operationsOf(floor: Floor, { subscriptions, feeds }: Behind): Operation[] {
  const listings = listingRoutes(floor);
  const orders = orderRoutes(floor);
  const account = accountRoutes(floor);
  const notes = notificationRoutes(floor, subscriptions);
  type Row = [name: string, route: string, handle: Handler, more?: Pick<Operation, 'gated' | 'writes'>];
  const gated = { gated: true } as const;
  const gatedWrite = { gated: true, writes: true } as const;
  /** In a path `#` stands for one segment. */
  const operation = ([name, route, handle, more]: Row, token: TokenKind, rate: Rate): Operation => {
    const [method = '', path = ''] = route.split(' ');
    const pattern = new RegExp(`^${path.replaceAll('#', '([^/]+)')}$`);
    return { name, method, pattern, token, ...rate, handle, ...more };
  };
  const seller = ([rate, burst]: [number, number], ...row: Row) => operation(row, 'seller', { rate, burst });
  const note = (token: TokenKind, ...row: Row) => operation(row, token, notificationLimit);

  const items = '/listings/2021-08-01/items/#';
  const [v0, v2026] = ['/orders/v0/orders', '/orders/2026-01-01/orders'];
  const [documents, feed] = ['/feeds/2021-06-30/documents', '/feeds/2021-06-30/feeds'];
  const [destinations, subscribed] = ['/notifications/v1/destinations', '/notifications/v1/subscriptions'];
  const participations = 'GET /sellers/v1/marketplaceParticipations';
  const { routes } = feeds;
  return [
    seller([0.016, 15], 'getMarketplaceParticipations', participations, account.participations),
    seller([5, 5], 'searchListingsItems', `GET ${items}`, listings.search),
    seller([5, 10], 'getListingsItem', `GET ${items}/#`, listings.get),
    seller([5, 5], 'patchListingsItem', `PATCH ${items}/#`, listings.patch, gatedWrite),
    seller([0.0056, 20], 'searchOrders', `GET ${v2026}`, orders.search),
    seller([0.5, 30], 'getOrder', `GET ${v2026}/#`, orders.get),
    seller([0.0167, 20], 'getOrders', `GET ${v0}`, orders.searchV0),
    seller([0.5, 30], 'getOrderV0', `GET ${v0}/#`, orders.getV0),
    seller([0.5, 30], 'getOrderItems', `GET ${v0}/#/orderItems`, orders.itemsV0),
    seller([2, 2], 'getInventorySummaries', 'GET /fba/inventory/v1/summaries', account.inventory),
    seller([0.5, 15], 'createFeedDocument', `POST ${documents}`, routes.createDocument),
    seller([0.0222, 10], 'getFeedDocument', `GET ${documents}/#`, routes.getDocument),
    seller([0.0083, 15], 'createFeed', `POST ${feed}`, routes.create, gatedWrite),
    seller([0.0222, 10], 'getFeeds', `GET ${feed}`, routes.list),
    seller([2, 15], 'getFeed', `GET ${feed}/#`, routes.get),
    seller([2, 15], 'cancelFeed', `DELETE ${feed}/#`, routes.cancel),
    note('grantless', 'getDestinations', `GET ${destinations}`, notes.destinations),
    note('grantless', 'createDestination', `POST ${destinations}`, notes.addDestination),
    note('grantless', 'getDestination', `GET ${destinations}/#`, notes.destination),
    note('grantless', 'deleteDestination', `DELETE ${destinations}/#`, notes.dropDestination),
    note('seller', 'getSubscriptions', `GET ${subscribed}`, notes.subscriptions),
    note('seller', 'getSubscription', `GET ${subscribed}/#`, notes.subscription),
    note('seller', 'createSubscription', `POST ${subscribed}/#`, notes.subscribe, gated),
    note('grantless', 'getSubscriptionById', `GET ${subscribed}/#/#`, notes.subscriptionById),
    note('grantless', 'deleteSubscriptionById', `DELETE ${subscribed}/#/#`, notes.unsubscribe),
    note('grantless', 'sendTestNotification', `POST ${subscribed}/#/testNotification`, notes.test),
  ];
}

/** `operations`: method, pattern and name of each, for tests against the models. */
export function createGateway(floor: Floor, behind: Behind) {
  const operations = operationsOf(floor, behind);

  const answer = async (request: ShopRequest): Promise<ShopAnswer | null> => {
    const [path = '/'] = request.rawTarget.split('?');
    const found = routeOf(operations, request, path);
    const id = { 'x-amzn-RequestId': floor.uuid() };
    try {
      // An un-encoded slash in a SKU leads here, too.
      if (typeof found === 'string') throw denied();
      const { route: operation } = found;
      admit(floor, behind.lwa, { request, operation });
      const params = decoded(found.params);
      const query = queryOf(floor, request.query);
      const body = request.body.toString('utf8');
      const result = await serve(floor, operation, { params, query, body, writes: [] });
      if (result === null) return null;
      const rate = rateHeader(floor, operation, result.status);
      return { ...result, headers: { ...id, ...rate, ...result.headers } };
    } catch (problem) {
      const refused = asAnswer(problem);
      return { ...refused, headers: { ...id, ...refused.headers } };
    }
  };

  return { answer, operations };
}

/** Throws Problem 403 for a caller that may not, 'wrong region' and 'missing role' included. */
function admit(
  { faults }: Floor,
  lwa: Lwa,
  { request, operation }: { request: ShopRequest; operation: Operation },
): void {
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
}

/** Everything that happens to a request that was let in; null when the connection breaks. */
async function serve(floor: Floor, operation: Operation, call: Call): Promise<ShopAnswer | null> {
  const { faults } = floor;
  const slowMs = faults.dueMs('slow');
  if (slowMs !== null && !(await floor.pauses.pause(slowMs))) return null;
  if (faults.hits('timeout')) return null;
  if (faults.hits('error_500')) {
    const busy = new Problem(503, 'ServiceUnavailable', 'Service is temporarily unavailable.', '');
    return problemAnswer(floor.random.chance(0.7) ? internalFailure() : busy);
  }
  limit(floor, operation);
  const run = () => {
    try {
      return operation.handle(call);
    } catch (problem) {
      return asAnswer(problem);
    }
  };
  if (operation.writes !== true) return run();
  if (operation.name === 'patchListingsItem' && faults.hits('sale_before_write')) {
    sellOne(floor, call.params[1] ?? '');
  }
  const failure = () => problemAnswer(internalFailure());
  return obeyWrite(floor, { run, failure, writes: call.writes });
}

function limit({ faults, buckets, usagePlan }: Floor, operation: Operation): void {
  const rate = { rate: operation.rate * usagePlan, burst: operation.burst };
  if (faults.hits('throttle') || !buckets.take(operation.name, rate)) throw quotaExceeded();
  if (operation.writes === true && !buckets.take('application', applicationLimit)) {
    throw quotaExceeded('You exceeded your quota for the requested resource: application limit.');
  }
}

/** Told on 2xx, 400 and 404 only, and not even there always (AMZ-7). */
function rateHeader(floor: Floor, { rate }: Operation, status: number): Record<string, string> {
  const told = (status < 300 || status === 400 || status === 404) && floor.random.chance(0.9);
  const scaled = scaledRate(rate * floor.usagePlan, floor.timeScale).toPrecision(4);
  return told ? { 'x-amzn-RateLimit-Limit': String(Number(scaled)) } : {};
}

/** The answer to what was thrown; throws on what is no refusal of the platform's. */
function asAnswer(problem: unknown): ShopAnswer {
  if (!(problem instanceof Problem)) throw problem;
  return problemAnswer(problem);
}

/** Each segment once; what cannot be decoded is nobody's. */
function decoded(segments: string[]): string[] {
  try {
    return segments.map((segment) => decodeURIComponent(segment));
  } catch {
    throw denied();
  }
}
