import { isLoopback } from '../kit/caller.ts';
import type { Random } from '../kit/random.ts';
import type { ShopAnswer } from '../kit/server.ts';
import { tableOf, textOf } from '../kit/untyped.ts';
import { scope, uuid } from './auth.ts';
import { empty, errorsOf, ok, type RestCall, type Route, routesUnder } from './call.ts';
import type { Destination, Notifier, Subscription } from './notifier.ts';
import { iso } from './order-view.ts';
import { challengeAnswer } from './signature.ts';
import type { State } from './state.ts';
import { type Topic, topics } from './topics.ts';

const base = '/commerce/notification/v1';
const appOnly = { family: 'notification', token: 'app', scopes: [scope('')] } as const;
const anybody = {
  family: 'notification',
  token: 'any',
  scopes: [scope(''), scope('commerce.notification.subscription')],
} as const;
const { problem } = errorsOf('API_NOTIFICATION');

interface Context {
  state: State;
  notifier: Notifier;
  random: Random;
  url(): string;
  alertEmail: string | null;
}

/** Routes of the Notification API (EBAY-2 and EBAY-3). */
export function notificationRoutes(state: State, notifier: Notifier, url: () => string): Route[] {
  const random = state.random.fork('notification');
  const context: Context = { state, notifier, random, url, alertEmail: null };
  const { destinations, subscriptions } = notifier;
  const at = routesUnder(context, base);
  return [
    at('GET /public_key/#', appOnly, publicKey),
    at('GET /topic', appOnly, (_, call) => pageOf(context, call, { topics: offered(context) })),
    at('GET /topic/#', appOnly, (_, { params: [id = ''] }) => ok(topicOf(context, id, 404))),
    at('GET /config', appOnly, getConfig),
    at('PUT /config', appOnly, putConfig),
    at('GET /destination', appOnly, (_, call) =>
      pageOf(context, call, { destinations: destinations.map(destinationView) }),
    ),
    at('POST /destination', appOnly, createDestination),
    at('GET /destination/#', appOnly, (_, call) => ok(destinationView(destinationIn(context, call)))),
    at('PUT /destination/#', appOnly, updateDestination),
    at('DELETE /destination/#', appOnly, deleteDestination),
    at('GET /subscription', anybody, (_, call) =>
      pageOf(context, call, { subscriptions: subscriptions.map(subscriptionView) }),
    ),
    at('POST /subscription', anybody, createSubscription),
    at('GET /subscription/#', anybody, (_, call) => ok(subscriptionView(subscriptionIn(context, call)))),
    at('PUT /subscription/#', anybody, updateSubscription),
    at('DELETE /subscription/#', anybody, deleteSubscription),
    at('POST /subscription/#/(enable|disable|test)', anybody, actOnSubscription),
  ];
}

/** Refuses the call. */
function fail(...refusal: Parameters<typeof problem>): never {
  throw problem(...refusal);
}

// ---------------------------------------------------------------------------------------- keys, topics, config

function publicKey(context: Context, call: RestCall): ShopAnswer {
  const [id = ''] = call.params;
  const key = context.notifier.keyOf(id) ?? fail(404, 195001, 'Invalid public key.', { public_key_id: id });
  return ok({ key: key.publicText, algorithm: 'ECDSA', digest: 'SHA1' });
}

function offered(context: Context): Topic[] {
  const poor = context.state.faults.armed().includes('no_order_topic');
  return topics.filter(({ topicId }) => !(poor && topicId === 'ORDER_CONFIRMATION'));
}

function topicOf(context: Context, topicId: string, status: number): Topic {
  const topic = offered(context).find((one) => one.topicId === topicId);
  return topic ?? fail(status, 195002, 'Invalid or missing topic id.', { topicId });
}

function getConfig(context: Context): ShopAnswer {
  if (context.alertEmail === null) return fail(404, 195026, 'The configuration was not found.');
  return ok({ alertEmail: context.alertEmail });
}

function putConfig(context: Context, call: RestCall): ShopAnswer {
  const email = textOf(tableOf(call.body)['alertEmail']);
  if (!/^[^@\s]+@[^@\s]+$/.test(email)) return fail(400, 195004, 'Invalid alert email.');
  context.alertEmail = email;
  return empty(204);
}

/** Pages of 10 to 100 entries; the token to go on stands inside `next` (EBAY-3). */
function pageOf(context: Context, call: RestCall, list: Record<string, readonly unknown[]>): ShopAnswer {
  const [[name, entries] = ['', []]] = Object.entries(list);
  const limit = Number(call.query.get('limit') ?? 20);
  if (!Number.isInteger(limit) || limit < 10 || limit > 100) return fail(400, 195005, 'Invalid limit.');
  const token = call.query.get('continuation_token');
  const from = token === null ? 0 : Number(Buffer.from(token, 'base64url').toString('utf8'));
  if (!Number.isInteger(from) || from < 0) return fail(400, 195005, 'Invalid continuation token.');
  const link = (start: number) => {
    const query = new URLSearchParams({ limit: String(limit) });
    if (start > 0) query.set('continuation_token', Buffer.from(String(start)).toString('base64url'));
    return `${context.url()}${call.path}?${query}`;
  };
  const more = from + limit < entries.length;
  const page = entries.slice(from, from + limit);
  const next = more ? { next: link(from + limit) } : {};
  return ok({ total: entries.length, href: link(from), limit, ...next, [name]: page });
}

// ---------------------------------------------------------------------------------------------- destinations

function destinationView(destination: Destination): Record<string, unknown> {
  const { id, name, status, endpoint, verificationToken } = destination;
  return { destinationId: id, name, status, deliveryConfig: { endpoint, verificationToken } };
}

function destinationIn({ notifier }: Context, { params: [destination_id = ''] }: RestCall): Destination {
  const found = notifier.destinations.find(({ id }) => id === destination_id);
  return found ?? fail(404, 195013, 'The destination was not found.', { destination_id });
}

type DestinationWish = Pick<Destination, 'name' | 'endpoint' | 'verificationToken'> & { status: Status };
type Status = 'ENABLED' | 'DISABLED';

function statusIn(body: Record<string, unknown>): Status | null {
  const { status } = body;
  return status === 'ENABLED' || status === 'DISABLED' ? status : null;
}

/** EBAY-3: any malformed body is 195017 too. Public https is demanded; the sandbox also takes loopback. */
function wishIn(call: RestCall): DestinationWish {
  const body = tableOf(call.body);
  const config = tableOf(body['deliveryConfig']);
  const endpoint = textOf(config['endpoint']);
  const name = textOf(body['name']);
  const status = statusIn(body);
  const verificationToken = textOf(config['verificationToken']);
  const fits = endpoint.startsWith('https://') || isLoopback(endpoint);
  if (!fits || !URL.canParse(endpoint) || status === null)
    return fail(400, 195017, 'Invalid or missing endpoint.', { endpoint });
  if (!/^[A-Za-z0-9_-]{32,80}$/.test(verificationToken))
    return fail(400, 195019, 'Invalid verification token.');
  if (name === '' || name.length > 64) return fail(400, 195018, 'Invalid or missing destination name.');
  return { name, status, endpoint, verificationToken };
}

/** The call that tries an endpoint, while its owner waits for our answer (EBAY-2.3). */
async function challenge(context: Context, wish: DestinationWish): Promise<void> {
  const code = uuid(context.random).replaceAll('-', '');
  const uri = `${wish.endpoint}${wish.endpoint.includes('?') ? '&' : '?'}challenge_code=${code}`;
  const reply = await context.state.caller.call({
    method: 'GET',
    uri,
    headers: { Accept: 'application/json', 'User-Agent': 'eBayNioHttpClient 1.0' },
    body: Buffer.alloc(0),
  });
  const expected = challengeAnswer(code, wish.verificationToken, wish.endpoint);
  const given = responseIn(reply.body);
  const json = /^application\/json\b/i.test(reply.contentType);
  if (reply.status === 200 && json && given === expected) return;
  fail(400, 195020, 'Challenge verification failed for requested endpoint.', { endpoint: wish.endpoint });
}

function responseIn(text: string): string | null {
  try {
    return textOf(tableOf(JSON.parse(text))['challengeResponse']);
  } catch {
    return null;
  }
}

/** Nothing can be made before somebody is named who hears of troubles. */
function needEmail({ alertEmail }: Context): void {
  if (alertEmail === null) fail(409, 195003, 'Please provide configurations required for notifications.');
}

function needFree({ notifier }: Context, { endpoint }: DestinationWish, own?: Destination): void {
  const taken = notifier.destinations.some((one) => one !== own && one.endpoint === endpoint);
  if (taken) fail(409, 195021, 'Destination exists for this endpoint.', { endpoint });
}

async function createDestination(context: Context, call: RestCall): Promise<ShopAnswer> {
  const wish = wishIn(call);
  needEmail(context);
  needFree(context, wish);
  await challenge(context, wish);
  const id = uuid(context.random);
  context.notifier.destinations.push({ id, ...wish, givenUp: 0, failingSince: null });
  return created(context, `destination/${id}`);
}

async function updateDestination(context: Context, call: RestCall): Promise<ShopAnswer> {
  const destination = destinationIn(context, call);
  const wish = wishIn(call);
  needFree(context, wish, destination);
  await challenge(context, wish);
  Object.assign(destination, { ...wish, givenUp: 0, failingSince: null });
  return empty(204);
}

function deleteDestination(context: Context, call: RestCall): ShopAnswer {
  const destination = destinationIn(context, call);
  if (context.notifier.subscriptions.some(({ destinationId }) => destinationId === destination.id)) {
    return fail(409, 195024, 'The destination is in use.');
  }
  context.notifier.destinations.splice(context.notifier.destinations.indexOf(destination), 1);
  return empty(204);
}

// --------------------------------------------------------------------------------------------- subscriptions

function subscriptionView(subscription: Subscription): Record<string, unknown> {
  return {
    subscriptionId: subscription.id,
    topicId: subscription.topicId,
    status: subscription.status,
    creationDate: iso(subscription.createdAt),
    destinationId: subscription.destinationId,
    payload: { format: 'JSON', schemaVersion: subscription.schemaVersion, deliveryProtocol: 'HTTPS' },
  };
}

function subscriptionIn({ notifier }: Context, { params: [subscription_id = ''] }: RestCall): Subscription {
  const found = notifier.subscriptions.find(({ id }) => id === subscription_id);
  return found ?? fail(404, 195014, 'The subscription was not found.', { subscription_id });
}

/** One that the caller may change. */
function ownSubscription(context: Context, call: RestCall): Subscription {
  const subscription = subscriptionIn(context, call);
  authorize(
    topics.find(({ topicId }) => topicId === subscription.topicId),
    call,
  );
  return subscription;
}

/** EBAY-3: the seller's token for the seller's topics, the application's for the others, and the scopes. */
function authorize(topic: Topic | undefined, call: RestCall): void {
  if (topic === undefined) return;
  const { kind, scopes } = call.grant;
  const right = topic.scope === 'USER' ? kind === 'user' : kind === 'app';
  if (right && topic.authorizationScopes.some((needed) => scopes.includes(needed))) return;
  fail(403, 195011, 'The application is not authorized to subscribe to this topic.', {
    topicId: topic.topicId,
  });
}

type SubscriptionWish = Pick<Subscription, 'status' | 'destinationId' | 'schemaVersion'>;

function subscriptionWishIn(
  { notifier }: Context,
  topic: Topic,
  body: Record<string, unknown>,
): SubscriptionWish {
  const payload = tableOf(body['payload']);
  const schemaVersion = textOf(payload['schemaVersion']);
  const offer = topic.supportedPayloads.find((one) => one.schemaVersion === schemaVersion);
  if (offer === undefined || payload['format'] !== 'JSON' || payload['deliveryProtocol'] !== 'HTTPS') {
    return fail(400, 195008, 'Invalid or missing schema version.', { schemaVersion });
  }
  const destination = notifier.destinations.find(({ id }) => id === body['destinationId']);
  if (destination === undefined) return fail(400, 195013, 'The destination was not found.');
  const status = statusIn(body) ?? fail(400, 195007, 'Invalid or missing status.');
  if (status === 'ENABLED' && destination.status !== 'ENABLED')
    return fail(409, 195015, 'The destination is not enabled.');
  return { status, destinationId: destination.id, schemaVersion };
}

function created({ url }: Context, path: string): ShopAnswer {
  return empty(201, { Location: `${url()}${base}/${path}` });
}

function createSubscription(context: Context, call: RestCall): ShopAnswer {
  const body = tableOf(call.body);
  needEmail(context);
  const topic = topicOf(context, textOf(body['topicId']), 400);
  authorize(topic, call);
  const wish = subscriptionWishIn(context, topic, body);
  // One subscription per application, topic and version, whatever its destination.
  const known = context.notifier.subscriptions.find(
    (one) => one.topicId === topic.topicId && one.schemaVersion === wish.schemaVersion,
  );
  if (known !== undefined)
    return fail(409, 195012, 'Subscription already exists.', { subscriptionId: known.id });
  const id = uuid(context.random);
  context.notifier.subscriptions.push({
    id,
    topicId: topic.topicId,
    ...wish,
    createdAt: context.state.now(),
  });
  return created(context, `subscription/${id}`);
}

function updateSubscription(context: Context, call: RestCall): ShopAnswer {
  const subscription = subscriptionIn(context, call);
  const topic = topicOf(context, subscription.topicId, 400);
  authorize(topic, call);
  Object.assign(subscription, subscriptionWishIn(context, topic, tableOf(call.body)));
  return empty(204);
}

function deleteSubscription(context: Context, call: RestCall): ShopAnswer {
  const subscription = ownSubscription(context, call);
  context.notifier.subscriptions.splice(context.notifier.subscriptions.indexOf(subscription), 1);
  return empty(204);
}

function actOnSubscription(context: Context, call: RestCall): ShopAnswer {
  const subscription = ownSubscription(context, call);
  const destination = context.notifier.destinations.find(({ id }) => id === subscription.destinationId);
  const act = call.params[1];
  if (act === 'disable') {
    subscription.status = 'DISABLED';
    return empty(204);
  }
  if (destination?.status !== 'ENABLED') return fail(409, 195015, 'The destination is not enabled.');
  if (act === 'enable') {
    subscription.status = 'ENABLED';
    return empty(204);
  }
  const line = { orderLineItemId: '10000000000001', listingId: '110000000001', quantity: 1 };
  const order = { orderId: '00-00000-00000', orderLineItems: [line] };
  const user = { userId: context.state.seller.userId, username: context.state.seller.username };
  const what = { data: { user, order }, only: subscription };
  context.notifier.notify(subscription.topicId, order.orderId, what);
  return empty(202);
}
