import { z } from 'zod';
import type { AccountIdentity, CheckItem } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { clockItem, fail, ok, warn } from '../kit/check.ts';
import { isNotFound } from '../kit/refusal.ts';
import type { Answer } from '../kit/rest.ts';
import type { Account } from './account.ts';
import { checkQueue } from './queue-check.ts';
import { marketplaceName, regionFacts, regionOf } from './region.ts';
import { searchPage } from './search.ts';
import { subscriptionsOf } from './subscriptions.ts';

const participations = z.object({
  payload: z.array(
    z.object({
      marketplace: z.object({ id: z.string() }),
      participation: z.object({ isParticipating: z.boolean(), hasSuspendedListings: z.boolean() }),
      storeName: z.string().nullish(),
    }),
  ),
});
type Participations = Answer<z.infer<typeof participations>>;

/** A new secret is wanted every 180 days, or every call fails (AMZ-1.2). */
const secretDays = { warn: 150, dead: 180 };
const dayMs = 86_400_000;
/** No order has this id; the answer tells whether orders may be asked for. */
const noOrder = '000-0000000-0000000';

/** The account is the seller id; that the credentials are of an account at all is what the call proves. */
export async function identity(account: Account, signal: AbortSignal): Promise<AccountIdentity> {
  const { data } = await askParticipations(account, signal);
  const { seller_id: sellerId, region } = account.config;
  const store = data.payload.find(({ storeName }) => storeName != null && storeName !== '')?.storeName;
  return { accountId: sellerId, title: `${store ?? sellerId} (Amazon ${regionFacts[region].title})` };
}

/** One look at everything; a part that cannot be asked becomes an item of its own. */
export async function check(account: Account, signal: AbortSignal): Promise<CheckItem[]> {
  const items = [...regionItems(account), secretItem(account)];
  let joined: Participations;
  try {
    joined = await askParticipations(account, signal);
  } catch (error) {
    return [failure('credentials', error), ...items, ...(await queueItems(account, signal))];
  }
  items.unshift(ok('credentials', 'accepted'));
  items.push(...participationItems(account, joined), clockItem('Amazon', joined));
  items.push(
    await roleItem('role Product Listing', () =>
      searchPage(account, { query: { pageSize: '1' }, includedData: ['summaries'] }, signal),
    ),
    await roleItem('role Inventory and Order Tracking', () => askNoOrder(account, signal)),
    ...(await queueItems(account, signal)),
    await subscriptionItem(account, signal),
  );
  return items;
}

function askParticipations({ api }: Account, signal: AbortSignal): Promise<Participations> {
  return api.call(
    {
      operation: 'getMarketplaceParticipations',
      method: 'GET',
      path: '/sellers/v1/marketplaceParticipations',
      data: participations,
    },
    signal,
  );
}

async function askNoOrder({ api }: Account, signal: AbortSignal): Promise<void> {
  const path = `/orders/2026-01-01/orders/${noOrder}`;
  try {
    await api.call({ operation: 'getOrder', method: 'GET', path, data: z.unknown() }, signal);
  } catch (error) {
    const isRefusedId = error instanceof ChannelError && error.kind === 'rejected';
    if (!isNotFound(error) && !isRefusedId) throw error;
  }
}

/** A marketplace of another region never answers under this host: the table tells before Amazon does. */
function regionItems({ config }: Account): CheckItem[] {
  const wrong = config.marketplaces.filter((id) => (regionOf(id) ?? config.region) !== config.region);
  if (wrong.length === 0) return [ok('region', regionFacts[config.region].title)];
  const names = wrong.map((id) => `${marketplaceName(id)} is in ${regionOf(id)}`).join(', ');
  return [
    fail(
      'region',
      `region is ${config.region}, but ${names}`,
      'one channel per region: each has its own refresh_token',
    ),
  ];
}

function secretItem({ config, deps }: Account): CheckItem {
  const name = 'client secret';
  const { client_secret_created: created } = config;
  if (created === undefined)
    return warn(
      name,
      'its age is not known',
      'set client_secret_created: Amazon wants a new one every 180 days',
    );
  const days = Math.floor((deps.clock.now() - Date.parse(`${created}T00:00:00Z`)) / dayMs);
  const remedy =
    'rotate it in the Solution Provider Portal and set client_secret and client_secret_created; the refresh token stays';
  if (days >= secretDays.dead) return fail(name, `${days} days old: Amazon refuses every call`, remedy);
  if (days >= secretDays.warn)
    return warn(name, `${days} days old: it ends in ${secretDays.dead - days} days`, remedy);
  return ok(name, `${days} days old of 180`);
}

function participationItems({ config }: Account, { data }: Participations): CheckItem[] {
  const known = new Map(data.payload.map((each) => [each.marketplace.id, each.participation]));
  return config.marketplaces.map((id) => {
    const name = `marketplace ${marketplaceName(id)}`;
    const joined = known.get(id);
    if (joined === undefined || !joined.isParticipating)
      return fail(
        name,
        'the account does not sell there',
        'remove it from marketplaces, or check region and seller_id',
      );
    if (joined.hasSuspendedListings)
      return warn(name, 'some listings are suspended there', 'look at Account Health in Seller Central');
    return ok(name, 'selling');
  });
}

async function roleItem(name: string, ask: () => Promise<unknown>): Promise<CheckItem> {
  try {
    await ask();
    return ok(name, 'granted');
  } catch (error) {
    return failure(name, error);
  }
}

async function queueItems(account: Account, signal: AbortSignal): Promise<CheckItem[]> {
  if (account.queue !== null) return checkQueue(account.queue, signal);
  const detail = 'none: orders are polled only, so that a sale is known minutes later';
  return [warn('queue', detail, 'set sqs, or webhooks: false if that is meant')];
}

async function subscriptionItem(account: Account, signal: AbortSignal): Promise<CheckItem> {
  const name = 'subscription';
  const remedy = 'run: invsync webhooks register';
  if (account.queue === null) return ok(name, 'not needed without a queue');
  try {
    const [state] = await subscriptionsOf(account).list(signal);
    if (state === undefined) return warn(name, 'ORDER_CHANGE is not subscribed', remedy);
    if (state.url === account.queue.arn) return ok(name, `ORDER_CHANGE goes to ${state.url}`);
    return fail(name, `ORDER_CHANGE goes to ${state.url}, not to the configured queue`, remedy);
  } catch (error) {
    return failure(name, error);
  }
}

function failure(name: string, error: unknown): CheckItem {
  if (!(error instanceof ChannelError)) throw error;
  return fail(
    name,
    error.message,
    error.hint === '' ? 'try again; if it stays, look at the log' : error.hint,
  );
}
