import { jsonAnswer, type ShopAnswer } from '../kit/server.ts';
import { tableOf, textOf } from '../kit/untyped.ts';
import { scope } from './auth.ts';
import { empty, errorsOf, ok, type RestCall, type Route, routesUnder } from './call.ts';
import { iso } from './order-view.ts';
import type { Orders } from './orders.ts';
import { dayEndsAt, type Quota, type Quotas } from './quota.ts';
import { controlsOutOfStock, type Order, type State } from './state.ts';

/** Who the seller is, what the account may do, and how many calls are left (EBAY-1.6 and EBAY-7). */
export function accountRoutes(state: State, quotas: Quotas): Route[] {
  const identity = {
    family: 'identity',
    token: 'user',
    scopes: [scope('commerce.identity.readonly')],
  } as const;
  const scopes = [scope('sell.account'), scope('sell.account.readonly')];
  const account = { family: 'account', token: 'user', scopes } as const;
  const analytics = { family: 'analytics', scopes: [] } as const;
  const at = routesUnder({ state, quotas }, '');
  const rates = '/developer/analytics/v1_beta';
  return [
    at('GET /commerce/identity/v1/user/?', identity, () =>
      ok({
        userId: state.seller.userId,
        username: state.seller.username,
        accountType: 'BUSINESS',
        registrationMarketplaceId: state.marketplace,
        status: 'CONFIRMED',
      }),
    ),
    at('GET /sell/account/v1/privilege/?', account, () =>
      ok({
        sellerRegistrationCompleted: true,
        sellingLimit: { amount: { value: '1000000.0', currency: 'USD' }, quantity: 100_000 },
      }),
    ),
    at('GET /sell/account/v1/program/get_opted_in_programs/?', account, () => {
      const option = controlsOutOfStock(state) ? ['OUT_OF_STOCK_CONTROL'] : [];
      const programs = ['SELLING_POLICY_MANAGEMENT', ...option];
      return ok({ programs: programs.map((programType) => ({ programType })) });
    }),
    at(`GET ${rates}/rate_limit/?`, { ...analytics, token: 'app' }, rateLimits),
    at(`GET ${rates}/user_rate_limit/?`, { ...analytics, token: 'user' }, rateLimits),
  ];
}

const resources: readonly [apiContext: string, apiName: string, quota: Quota, name: string][] = [
  ['sell', 'inventory', 'inventory', 'sell.inventory'],
  ['sell', 'fulfillment', 'fulfillment', 'sell.fulfillment'],
  ['sell', 'account', 'account', 'sell.account'],
  ['commerce', 'notification', 'notification', 'commerce.notification'],
  ['tradingapi', 'TradingAPI', 'trading', 'TradingAPI'],
];

/** 204 when nothing fits the question. */
function rateLimits({ state, quotas }: { state: State; quotas: Quotas }, { query }: RestCall): ShopAnswer {
  const context = query.get('api_context');
  const wanted = query.get('api_name')?.toLowerCase();
  const fitting = resources.filter(
    ([apiContext, apiName]) =>
      (context === null || apiContext === context) &&
      (wanted === undefined || apiName.toLowerCase() === wanted),
  );
  if (fitting.length === 0) return empty(204);
  const reset = iso(dayEndsAt(state));
  const rateLimits = fitting.map(([apiContext, apiName, quota, name]) => ({
    apiContext,
    apiName,
    apiVersion: 'v1',
    resources: [{ name, rates: [{ ...quotas.status(quota), reset, timeWindow: 86_400 }] }],
  }));
  return ok({ rateLimits });
}

const cancelMs = 60_000;
const reasons = ['OUT_OF_STOCK_OR_CANNOT_FULFILL', 'BUYER_ASKED_CANCEL', 'ADDRESS_ISSUES'];
const { problem } = errorsOf('returns');

/**
 * The seller's cancellation (EBAY-8): the whole order, asynchronous. Out of stock means that nothing is there to
 * sell again, so that flow restores no number. The digital signature that EU and UK sellers need is not asked for.
 */
export function cancellationRoutes(state: State, orders: Orders): Route[] {
  const needs = { family: 'postorder', token: 'user', scopes: [] } as const;
  const at = routesUnder(state, '/post-order/v2/cancellation');
  return [
    at('POST /check_eligibility', needs, (_, call) => {
      const order = orderIn(state, call);
      const failureReason = obstacles(order);
      const eligible = failureReason.length === 0;
      const eligibilityStatus = eligible ? 'ELIGIBLE' : 'INELIGIBLE';
      return ok({ legacyOrderId: order.orderId, eligible, eligibilityStatus, failureReason });
    }),
    at('POST ', needs, (_, call) => {
      const order = orderIn(state, call);
      const reason = textOf(tableOf(call.body)['cancelReason']);
      if (!reasons.includes(reason)) throw problem(400, 1501, 'Invalid reason.');
      const [obstacle] = obstacles(order);
      if (obstacle !== undefined) throw problem(409, 1502, obstacle);
      const restores = reason !== 'OUT_OF_STOCK_OR_CANNOT_FULFILL';
      orders.cancel(order, { restores, initiator: 'SELLER', reason, takesMs: cancelMs });
      return jsonAnswer(201, { cancelId: order.cancel?.id });
    }),
    at('GET /(\\d+)', needs, (_, { params: [cancelId] }) => {
      const order = state.orders.find((one) => one.cancel?.id === cancelId);
      if (order === undefined) throw problem(404, 1503, 'No such cancellation.');
      const done = order.cancel?.state === 'CANCELED';
      const cancelDetail = {
        cancelId,
        legacyOrderId: order.orderId,
        cancelStatus: done ? 'CANCEL_CLOSED_WITH_REFUND' : 'CANCEL_PENDING',
        cancelReason: order.cancel?.reason,
      };
      return ok({ cancelDetail });
    }),
  ];
}

function orderIn({ orders }: State, call: RestCall): Order {
  const legacyOrderId = textOf(tableOf(call.body)['legacyOrderId']);
  const order = orders.find((one) => one.orderId === legacyOrderId && one.state === 'placed');
  if (order !== undefined) return order;
  throw problem(404, 1500, 'The order does not exist.', { legacyOrderId });
}

function obstacles(order: Order): string[] {
  return [
    ...(order.cancel === null ? [] : ['CANCELLATION_EXIST']),
    ...(order.shippedAt === null ? [] : ['CANCEL_WINDOW_ELAPSED']),
  ];
}
