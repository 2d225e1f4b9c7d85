import { tableOf, textOf } from '../kit/untyped.ts';
import { scope } from './auth.ts';
import type { RestCall, RestResult, Route } from './call.ts';
import { iso } from './order-view.ts';
import type { Orders } from './orders.ts';
import { badRequest, RestProblem } from './problem.ts';
import { dayEndsAt, type Quota, type Quotas } from './quota.ts';
import { controlsOutOfStock, type Order, type State } from './state.ts';

/** Who the seller is, what the account may do, and how many calls are left (EBAY-1.6 and EBAY-7). */
export function accountRoutes(state: State, quotas: Quotas): Route[] {
  const account = {
    family: 'account',
    token: 'user',
    scopes: [scope('sell.account'), scope('sell.account.readonly')],
  } as const;
  const analytics = { family: 'analytics', scopes: [] } as const;
  return [
    {
      method: 'GET',
      pattern: /^\/commerce\/identity\/v1\/user\/?$/,
      family: 'identity',
      token: 'user',
      scopes: [scope('commerce.identity.readonly')],
      run: () => ({
        status: 200,
        body: {
          userId: state.seller.userId,
          username: state.seller.username,
          accountType: 'BUSINESS',
          registrationMarketplaceId: state.marketplace,
          status: 'CONFIRMED',
        },
      }),
    },
    {
      ...account,
      method: 'GET',
      pattern: /^\/sell\/account\/v1\/privilege\/?$/,
      run: () => ({
        status: 200,
        body: {
          sellerRegistrationCompleted: true,
          sellingLimit: { amount: { value: '1000000.0', currency: 'USD' }, quantity: 100_000 },
        },
      }),
    },
    {
      ...account,
      method: 'GET',
      pattern: /^\/sell\/account\/v1\/program\/get_opted_in_programs\/?$/,
      run: () => {
        const programs = [
          'SELLING_POLICY_MANAGEMENT',
          ...(controlsOutOfStock(state) ? ['OUT_OF_STOCK_CONTROL'] : []),
        ];
        return { status: 200, body: { programs: programs.map((programType) => ({ programType })) } };
      },
    },
    {
      ...analytics,
      token: 'app',
      method: 'GET',
      pattern: /^\/developer\/analytics\/v1_beta\/rate_limit\/?$/,
      run: (call) => rateLimits(state, quotas, call),
    },
    {
      ...analytics,
      token: 'user',
      method: 'GET',
      pattern: /^\/developer\/analytics\/v1_beta\/user_rate_limit\/?$/,
      run: (call) => rateLimits(state, quotas, call),
    },
  ];
}

const resources: readonly {
  apiContext: string;
  apiName: string;
  apiVersion: string;
  quota: Quota;
  name: string;
}[] = [
  { apiContext: 'sell', apiName: 'inventory', apiVersion: 'v1', quota: 'inventory', name: 'sell.inventory' },
  {
    apiContext: 'sell',
    apiName: 'fulfillment',
    apiVersion: 'v1',
    quota: 'fulfillment',
    name: 'sell.fulfillment',
  },
  { apiContext: 'sell', apiName: 'account', apiVersion: 'v1', quota: 'account', name: 'sell.account' },
  {
    apiContext: 'commerce',
    apiName: 'notification',
    apiVersion: 'v1',
    quota: 'notification',
    name: 'commerce.notification',
  },
  { apiContext: 'tradingapi', apiName: 'TradingAPI', apiVersion: 'v1', quota: 'trading', name: 'TradingAPI' },
];

/** 204 when nothing fits the question. */
function rateLimits(state: State, quotas: Quotas, call: RestCall): RestResult {
  const context = call.query.get('api_context');
  const name = call.query.get('api_name');
  const fitting = resources.filter(
    (one) =>
      (context === null || one.apiContext === context) &&
      (name === null || one.apiName.toLowerCase() === name.toLowerCase()),
  );
  if (fitting.length === 0) return { status: 204 };
  const rateLimits = fitting.map(({ apiContext, apiName, apiVersion, quota, name: resource }) => ({
    apiContext,
    apiName,
    apiVersion,
    resources: [
      {
        name: resource,
        rates: [{ ...quotas.status(quota), reset: iso(dayEndsAt(state)), timeWindow: 86_400 }],
      },
    ],
  }));
  return { status: 200, body: { rateLimits } };
}

const postOrder = 'post-order/v2/cancellation';
const cancelMs = 60_000;
const reasons = ['OUT_OF_STOCK_OR_CANNOT_FULFILL', 'BUYER_ASKED_CANCEL', 'ADDRESS_ISSUES'];

/**
 * The seller's cancellation (EBAY-8): the whole order, asynchronous. Out of stock means that nothing is there to
 * sell again, so that flow restores no number. The digital signature that EU and UK sellers need is not asked for.
 */
export function cancellationRoutes(state: State, orders: Orders): Route[] {
  const base = { family: 'postorder', token: 'user', scopes: [] } as const;
  const orderIn = (call: RestCall): Order => {
    const id = textOf(tableOf(call.body)['legacyOrderId']);
    const order = state.orders.find((one) => one.orderId === id && one.state === 'placed');
    if (order !== undefined) return order;
    throw new RestProblem(
      404,
      badRequest('returns', 1500, 'The order does not exist.', { legacyOrderId: id }),
    );
  };
  const obstacles = (order: Order): string[] => [
    ...(order.cancel === null ? [] : ['CANCELLATION_EXIST']),
    ...(order.shippedAt === null ? [] : ['CANCEL_WINDOW_ELAPSED']),
  ];
  return [
    {
      ...base,
      method: 'POST',
      pattern: new RegExp(`^/${postOrder}/check_eligibility$`),
      run(call) {
        const order = orderIn(call);
        const failureReason = obstacles(order);
        const eligible = failureReason.length === 0;
        const eligibilityStatus = eligible ? 'ELIGIBLE' : 'INELIGIBLE';
        return {
          status: 200,
          body: { legacyOrderId: order.orderId, eligible, eligibilityStatus, failureReason },
        };
      },
    },
    {
      ...base,
      method: 'POST',
      pattern: new RegExp(`^/${postOrder}$`),
      run(call) {
        const order = orderIn(call);
        const reason = textOf(tableOf(call.body)['cancelReason']);
        if (!reasons.includes(reason))
          throw new RestProblem(400, badRequest('returns', 1501, 'Invalid reason.'));
        const [obstacle] = obstacles(order);
        if (obstacle !== undefined) throw new RestProblem(409, badRequest('returns', 1502, obstacle));
        const restores = reason !== 'OUT_OF_STOCK_OR_CANNOT_FULFILL';
        orders.cancel(order, { restores, initiator: 'SELLER', reason, takesMs: cancelMs });
        return { status: 201, body: { cancelId: order.cancel?.id } };
      },
    },
    {
      ...base,
      method: 'GET',
      pattern: new RegExp(`^/${postOrder}/(\\d+)$`),
      run(call) {
        const order = state.orders.find((one) => one.cancel?.id === call.params[0]);
        if (order === undefined)
          throw new RestProblem(404, badRequest('returns', 1503, 'No such cancellation.'));
        const done = order.cancel?.state === 'CANCELED';
        const cancelDetail = {
          cancelId: call.params[0],
          legacyOrderId: order.orderId,
          cancelStatus: done ? 'CANCEL_CLOSED_WITH_REFUND' : 'CANCEL_PENDING',
          cancelReason: order.cancel?.reason,
        };
        return { status: 200, body: { cancelDetail } };
      },
    },
  ];
}
