import { isLoopback } from '../kit/caller.ts';
import type { Random } from '../kit/random.ts';
import { tableOf, textOf } from '../kit/untyped.ts';
import { scope, uuid } from './auth.ts';
import type { RestCall, RestResult, Route } from './call.ts';
import type { Destination, Notifier, Subscription } from './notifier.ts';
import { iso } from './order-view.ts';
import { badRequest, RestProblem } from './problem.ts';
import { challengeAnswer } from './signature.ts';
import type { State } from './state.ts';
import { type Topic, topics } from './topics.ts';

const domain = 'API_NOTIFICATION';
const base = '/commerce/notification/v1';
const appOnly = { family: 'notification', token: 'app', scopes: [scope('')] } as const;
const anybody = {
  family: 'notification',
  token: 'any',
  scopes: [scope(''), scope('commerce.notification.subscription')],
} as const;

interface Context {
  state: State;
  notifier: Notifier;
  random: Random;
  url(): string;
  alertEmail: string | null;
}

/** Routes of the Notification API (EBAY-2 and EBAY-3). */
export function notificationRoutes(deps: {
  state: State;
  notifier: Notifier;
  random: Random;
  url: () => string;
}): Route[] {
  const context: Context = { ...deps, alertEmail: null };
  const at = (path: string) => new RegExp(`^${base}${path.replaceAll('#', '([^/]+)')}$`);
  return [
    { ...appOnly, method: 'GET', pattern: at('/public_key/#'), run: (call) => publicKey(context, call) },
    { ...appOnly, method: 'GET', pattern: at('/topic'), run: (call) => listTopics(context, call) },
    { ...appOnly, method: 'GET', pattern: at('/topic/#'), run: (call) => getTopic(context, call) },
    { ...appOnly, method: 'GET', pattern: at('/config'), run: () => getConfig(context) },
    { ...appOnly, method: 'PUT', pattern: at('/config'), run: (call) => putConfig(context, call) },
    {
      ...appOnly,
      method: 'GET',
      pattern: at('/destination'),
      run: (call) => listDestinations(context, call),
    },
    {
      ...appOnly,
      method: 'POST',
      pattern: at('/destination'),
      run: (call) => createDestination(context, call),
    },
    {
      ...appOnly,
      method: 'GET',
      pattern: at('/destination/#'),
      run: (call) => getDestination(context, call),
    },
    {
      ...appOnly,
      method: 'PUT',
      pattern: at('/destination/#'),
      run: (call) => updateDestination(context, call),
    },
    {
      ...appOnly,
      method: 'DELETE',
      pattern: at('/destination/#'),
      run: (call) => deleteDestination(context, call),
    },
    {
      ...anybody,
      method: 'GET',
      pattern: at('/subscription'),
      run: (call) => listSubscriptions(context, call),
    },
    {
      ...anybody,
      method: 'POST',
      pattern: at('/subscription'),
      run: (call) => createSubscription(context, call),
    },
    {
      ...anybody,
      method: 'GET',
      pattern: at('/subscription/#'),
      run: (call) => getSubscription(context, call),
    },
    {
      ...anybody,
      method: 'PUT',
      pattern: at('/subscription/#'),
      run: (call) => updateSubscription(context, call),
    },
    {
      ...anybody,
      method: 'DELETE',
      pattern: at('/subscription/#'),
      run: (call) => deleteSubscription(context, call),
    },
    {
      ...anybody,
      method: 'POST',
      pattern: at('/subscription/#/(enable|disable|test)'),
      run: (call) => actOnSubscription(context, call),
    },
  ];
}

function fail(
  status: number,
  errorId: number,
  message: string,
  parameters: Record<string, string> = {},
): never {
  throw new RestProblem(status, badRequest(domain, errorId, message, parameters));
}

// ---------------------------------------------------------------------------------------- keys, topics, config

function publicKey(context: Context, call: RestCall): RestResult {
  const key = context.notifier.keyOf(call.params[0] ?? '');
  if (key === undefined)
    return fail(404, 195001, 'Invalid public key.', { public_key_id: call.params[0] ?? '' });
  return { status: 200, body: { key: key.publicText, algorithm: 'ECDSA', digest: 'SHA1' } };
}

function offered(context: Context): Topic[] {
  const poor = context.state.faults.armed().includes('no_order_topic');
  return topics.filter(({ topicId }) => !(poor && topicId === 'ORDER_CONFIRMATION'));
}

function listTopics(context: Context, call: RestCall): RestResult {
  return pageOf(context, call, 'topics', offered(context));
}

function getTopic(context: Context, call: RestCall): RestResult {
  return { status: 200, body: topicOf(context, call.params[0] ?? '', 404) };
}

function topicOf(context: Context, topicId: string, status: number): Topic {
  const topic = offered(context).find((one) => one.topicId === topicId);
  return topic ?? fail(status, 195002, 'Invalid or missing topic id.', { topicId });
}

function getConfig(context: Context): RestResult {
  if (context.alertEmail === null) return fail(404, 195026, 'The configuration was not found.');
  return { status: 200, body: { alertEmail: context.alertEmail } };
}

function putConfig(context: Context, call: RestCall): RestResult {
  const email = textOf(tableOf(call.body)['alertEmail']);
  if (!/^[^@\s]+@[^@\s]+$/.test(email)) return fail(400, 195004, 'Invalid alert email.');
  context.alertEmail = email;
  return { status: 204 };
}

/** Pages of 10 to 100 entries; the token to go on stands inside `next` (EBAY-3). */
function pageOf(context: Context, call: RestCall, name: string, entries: readonly unknown[]): RestResult {
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
  return {
    status: 200,
    body: {
      total: entries.length,
      href: link(from),
      limit,
      ...(more ? { next: link(from + limit) } : {}),
      [name]: page,
    },
  };
}

// ---------------------------------------------------------------------------------------------- destinations

function destinationView(destination: Destination): Record<string, unknown> {
  const { id, name, status, endpoint, verificationToken } = destination;
  return { destinationId: id, name, status, deliveryConfig: { endpoint, verificationToken } };
}

function listDestinations(context: Context, call: RestCall): RestResult {
  return pageOf(context, call, 'destinations', context.notifier.destinations.map(destinationView));
}

function destinationIn(context: Context, call: RestCall): Destination {
  const found = context.notifier.destinations.find(({ id }) => id === call.params[0]);
  return (
    found ?? fail(404, 195013, 'The destination was not found.', { destination_id: call.params[0] ?? '' })
  );
}

function getDestination(context: Context, call: RestCall): RestResult {
  return { status: 200, body: destinationView(destinationIn(context, call)) };
}

interface DestinationWish {
  name: string;
  status: 'ENABLED' | 'DISABLED';
  endpoint: string;
  verificationToken: string;
}

/** EBAY-3: any malformed body is 195017 too. Public https is demanded; the sandbox also takes loopback. */
function wishIn(call: RestCall): DestinationWish {
  const body = tableOf(call.body);
  const config = tableOf(body['deliveryConfig']);
  const endpoint = textOf(config['endpoint']);
  const name = textOf(body['name']);
  const status = textOf(body['status']);
  const verificationToken = textOf(config['verificationToken']);
  const fits = endpoint.startsWith('https://') || isLoopback(endpoint);
  const known = status === 'ENABLED' || status === 'DISABLED';
  if (!fits || !URL.canParse(endpoint) || !known)
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

async function createDestination(context: Context, call: RestCall): Promise<RestResult> {
  const wish = wishIn(call);
  if (context.alertEmail === null)
    return fail(409, 195003, 'Please provide configurations required for notifications.');
  if (context.notifier.destinations.some(({ endpoint }) => endpoint === wish.endpoint)) {
    return fail(409, 195021, 'Destination exists for this endpoint.', { endpoint: wish.endpoint });
  }
  await challenge(context, wish);
  const destination: Destination = { id: uuid(context.random), ...wish, givenUp: 0, failingSince: null };
  context.notifier.destinations.push(destination);
  return { status: 201, headers: { Location: `${context.url()}${base}/destination/${destination.id}` } };
}

async function updateDestination(context: Context, call: RestCall): Promise<RestResult> {
  const destination = destinationIn(context, call);
  const wish = wishIn(call);
  const taken = context.notifier.destinations.some(
    (one) => one !== destination && one.endpoint === wish.endpoint,
  );
  if (taken) return fail(409, 195021, 'Destination exists for this endpoint.', { endpoint: wish.endpoint });
  await challenge(context, wish);
  Object.assign(destination, { ...wish, givenUp: 0, failingSince: null });
  return { status: 204 };
}

function deleteDestination(context: Context, call: RestCall): RestResult {
  const destination = destinationIn(context, call);
  if (context.notifier.subscriptions.some(({ destinationId }) => destinationId === destination.id)) {
    return fail(409, 195024, 'The destination is in use.');
  }
  context.notifier.destinations.splice(context.notifier.destinations.indexOf(destination), 1);
  return { status: 204 };
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

function listSubscriptions(context: Context, call: RestCall): RestResult {
  return pageOf(context, call, 'subscriptions', context.notifier.subscriptions.map(subscriptionView));
}

function subscriptionIn(context: Context, call: RestCall): Subscription {
  const found = context.notifier.subscriptions.find(({ id }) => id === call.params[0]);
  return (
    found ?? fail(404, 195014, 'The subscription was not found.', { subscription_id: call.params[0] ?? '' })
  );
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

function getSubscription(context: Context, call: RestCall): RestResult {
  return { status: 200, body: subscriptionView(subscriptionIn(context, call)) };
}

interface SubscriptionWish {
  status: 'ENABLED' | 'DISABLED';
  destination: Destination;
  schemaVersion: string;
}

function subscriptionWishIn(context: Context, topic: Topic, body: Record<string, unknown>): SubscriptionWish {
  const payload = tableOf(body['payload']);
  const schemaVersion = textOf(payload['schemaVersion']);
  const offer = topic.supportedPayloads.find((one) => one.schemaVersion === schemaVersion);
  if (offer === undefined || payload['format'] !== 'JSON' || payload['deliveryProtocol'] !== 'HTTPS') {
    return fail(400, 195008, 'Invalid or missing schema version.', { schemaVersion });
  }
  const destination = context.notifier.destinations.find(({ id }) => id === body['destinationId']);
  if (destination === undefined) return fail(400, 195013, 'The destination was not found.');
  const status = textOf(body['status']);
  if (status !== 'ENABLED' && status !== 'DISABLED') return fail(400, 195007, 'Invalid or missing status.');
  if (status === 'ENABLED' && destination.status !== 'ENABLED')
    return fail(409, 195015, 'The destination is not enabled.');
  return { status, destination, schemaVersion };
}

function createSubscription(context: Context, call: RestCall): RestResult {
  const body = tableOf(call.body);
  if (context.alertEmail === null)
    return fail(409, 195003, 'Please provide configurations required for notifications.');
  const topic = topicOf(context, textOf(body['topicId']), 400);
  authorize(topic, call);
  const wish = subscriptionWishIn(context, topic, body);
  // One subscription per application, topic and version, whatever its destination.
  const known = context.notifier.subscriptions.find(
    (one) => one.topicId === topic.topicId && one.schemaVersion === wish.schemaVersion,
  );
  if (known !== undefined)
    return fail(409, 195012, 'Subscription already exists.', { subscriptionId: known.id });
  const subscription: Subscription = {
    id: uuid(context.random),
    topicId: topic.topicId,
    status: wish.status,
    destinationId: wish.destination.id,
    schemaVersion: wish.schemaVersion,
    createdAt: context.state.now(),
  };
  context.notifier.subscriptions.push(subscription);
  return { status: 201, headers: { Location: `${context.url()}${base}/subscription/${subscription.id}` } };
}

function updateSubscription(context: Context, call: RestCall): RestResult {
  const subscription = subscriptionIn(context, call);
  const topic = topicOf(context, subscription.topicId, 400);
  authorize(topic, call);
  const wish = subscriptionWishIn(context, topic, tableOf(call.body));
  subscription.status = wish.status;
  subscription.destinationId = wish.destination.id;
  subscription.schemaVersion = wish.schemaVersion;
  return { status: 204 };
}

function deleteSubscription(context: Context, call: RestCall): RestResult {
  const subscription = subscriptionIn(context, call);
  authorize(
    topics.find(({ topicId }) => topicId === subscription.topicId),
    call,
  );
  context.notifier.subscriptions.splice(context.notifier.subscriptions.indexOf(subscription), 1);
  return { status: 204 };
}

function actOnSubscription(context: Context, call: RestCall): RestResult {
  const subscription = subscriptionIn(context, call);
  authorize(
    topics.find(({ topicId }) => topicId === subscription.topicId),
    call,
  );
  const destination = context.notifier.destinations.find(({ id }) => id === subscription.destinationId);
  const act = call.params[1];
  if (act === 'disable') subscription.status = 'DISABLED';
  if (act === 'disable') return { status: 204 };
  if (destination?.status !== 'ENABLED') return fail(409, 195015, 'The destination is not enabled.');
  if (act === 'enable') {
    subscription.status = 'ENABLED';
    return { status: 204 };
  }
  const line = { orderLineItemId: '10000000000001', listingId: '110000000001', quantity: 1 };
  const order = { orderId: '00-00000-00000', orderLineItems: [line] };
  const user = { userId: context.state.seller.userId, username: context.state.seller.username };
  context.notifier.notify(subscription.topicId, { user, order }, order.orderId, subscription);
  return { status: 202 };
}
