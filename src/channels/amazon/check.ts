import { z } from 'zod';
import type { AccountIdentity, CheckItem } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { asked, clockItem, fail, ok, warn } from '../kit/check.ts';
import { jsonOf } from '../kit/json.ts';
import { nullWhen } from '../kit/refusal.ts';
import type { Answer } from '../kit/rest.ts';
import type { Task } from './api.ts';
import { searchPage } from './items.ts';
import { marketplaceName, marketplaces, regionFacts } from './platform.ts';
import { fifoHint, policyHint, sender } from './queue.ts';
import { listSubscriptions } from './subscriptions.ts';

const participation = z.object({ isParticipating: z.boolean(), hasSuspendedListings: z.boolean() });
const marketplace = z.object({ id: z.string() });
const joining = z.object({ marketplace, participation, storeName: z.string().nullish() });
const participations = z.object({ payload: z.array(joining) });
type Participations = Answer<z.infer<typeof participations>>;

/** A new secret is wanted every 180 days, or every call fails (AMZ-1.2). */
const secretDays = { warn: 150, dead: 180 };
const dayMs = 86_400_000;
/** No order has this id; the answer tells whether orders may be asked for. */
const noOrder = '000-0000000-0000000';

/** The account is the seller id; that the credentials are of an account at all is what the call proves. */
export async function identity({ ask, config }: Task): Promise<AccountIdentity> {
  const { data } = await ask('getMarketplaceParticipations', { data: participations });
  const store = data.payload.find(({ storeName }) => storeName != null && storeName !== '')?.storeName;
  const { seller_id: accountId, region } = config;
  return { accountId, title: `${store ?? accountId} (Amazon ${regionFacts[region].title})` };
}

/** One look at everything; a part that cannot be asked becomes an item of its own. */
export async function check(task: Task): Promise<CheckItem[]> {
  const own = [regionItem(task), secretItem(task)];
  const asking = task.ask('getMarketplaceParticipations', { data: participations });
  const joined = await asking.catch((error: unknown) => {
    if (error instanceof ChannelError) return failed('credentials', error);
    throw error;
  });
  if ('level' in joined) return [joined, ...own, ...(await queueItems(task))];
  const isRejected = ({ kind }: ChannelError) => kind === 'rejected';
  const search = () => searchPage(task, { pageSize: '1', includedData: ['summaries'] });
  const fetch = () => task.ask('getOrder', { ids: [noOrder], data: z.unknown() }).catch(nullWhen(isRejected));
  return [
    ok('credentials', 'accepted'),
    ...own,
    ...participationItems(task, joined),
    clockItem('Amazon', joined),
    await roleItem('role Product Listing', search),
    await roleItem('role Inventory and Order Tracking', fetch),
    ...(await queueItems(task)),
    await subscriptionItem(task),
  ];
}

/** A marketplace of another region never answers under this host: the table tells before Amazon does. */
function regionItem({ config }: Task): CheckItem {
  const regionOf = (id: string) => marketplaces[id]?.region ?? config.region;
  const wrong = config.marketplaces.filter((id) => regionOf(id) !== config.region);
  if (wrong.length === 0) return ok('region', regionFacts[config.region].title);
  const names = wrong.map((id) => `${marketplaceName(id)} is in ${regionOf(id)}`).join(', ');
  const remedy = 'one channel per region: each has its own refresh_token';
  return fail('region', `region is ${config.region}, but ${names}`, remedy);
}

function secretItem({ config, deps }: Task): CheckItem {
  const name = 'client secret';
  const { client_secret_created: created } = config;
  const dated = 'set client_secret_created: Amazon wants a new one every 180 days';
  if (created === undefined) return warn(name, 'its age is not known', dated);
  const days = Math.floor((deps.clock.now() - Date.parse(`${created}T00:00:00Z`)) / dayMs);
  const remedy =
    'rotate it in the Solution Provider Portal and set client_secret and client_secret_created; the refresh token stays';
  if (days >= secretDays.dead) return fail(name, `${days} days old: Amazon refuses every call`, remedy);
  if (days >= secretDays.warn)
    return warn(name, `${days} days old: it ends in ${secretDays.dead - days} days`, remedy);
  return ok(name, `${days} days old of 180`);
}

function participationItems({ config }: Task, { data }: Participations): CheckItem[] {
  const known = new Map(data.payload.map((each) => [each.marketplace.id, each.participation]));
  return config.marketplaces.map((id) => {
    const name = `marketplace ${marketplaceName(id)}`;
    const joined = known.get(id);
    const remedy = 'remove it from marketplaces, or check region and seller_id';
    if (!joined?.isParticipating) return fail(name, 'the account does not sell there', remedy);
    if (joined.hasSuspendedListings)
      return warn(name, 'some listings are suspended there', 'look at Account Health in Seller Central');
    return ok(name, 'selling');
  });
}

function roleItem(name: string, ask: () => Promise<unknown>): Promise<CheckItem> {
  return asked(
    () => ask().then(() => ok(name, 'granted')),
    (error) => failed(name, error),
  );
}

const attributes = z
  .object({ Attributes: z.record(z.string(), z.string()).nullish() })
  .transform(({ Attributes }) => Attributes ?? {});

/** What would keep orders from the queue: a FIFO queue, one that is not there, one that Amazon may not write to. */
async function queueItems({ queue, signal }: Task): Promise<CheckItem[]> {
  const none = 'none: orders are polled only, so that a sale is known minutes later';
  if (queue === null) return [warn('queue', none, 'set sqs, or webhooks: false if that is meant')];
  const { arn, isFifo } = queue;
  if (isFifo)
    return [fail('queue', `${arn} is a FIFO queue: Amazon sends nothing there, without a word`, fifoHint)];
  const look = async () => {
    const call = { action: 'GetQueueAttributes', input: { AttributeNames: ['All'] }, data: attributes };
    const { QueueArn, Policy, MessageRetentionPeriod } = await queue.call(call, signal);
    return [arnItem(arn, QueueArn), policyItem(arn, Policy), retentionItem(MessageRetentionPeriod)];
  };
  return asked(look, (error) => [fail('queue', error.message, error.hint || 'try again')]);
}

function arnItem(arn: string, told = arn): CheckItem {
  if (told === arn) return ok('queue', arn);
  const remedy = 'check sqs.queue_url: account, name and region';
  return fail('queue', `the URL means ${arn}, the queue calls itself ${told}`, remedy);
}

const one = z.string().transform((text) => [text]);
const oneOrMany = one.or(z.array(z.string()));
const policy = z.object({
  Statement: z.array(
    z.object({
      Effect: z.string(),
      Principal: one.or(z.object({ AWS: oneOrMany.optional() })).optional(),
      Action: oneOrMany.optional(),
    }),
  ),
});

function policyItem(arn: string, text = '{"Statement":[]}'): CheckItem {
  const name = 'queue policy';
  const statements = policy.safeParse(jsonOf(Buffer.from(text))).data?.Statement;
  if (statements === undefined) return fail(name, 'the access policy cannot be read', policyHint(arn));
  const names = ['*', sender.account, `arn:aws:iam::${sender.account}:root`];
  const allowed = statements.flatMap(({ Effect, Principal = [], Action = [] }) => {
    const whom = Array.isArray(Principal) ? Principal : (Principal.AWS ?? []);
    return Effect === 'Allow' && whom.some((each) => names.includes(each)) ? Action : [];
  });
  const missing = sender.actions.filter((action) => !allowed.some((pattern) => allows(pattern, action)));
  if (missing.length === 0) return ok(name, 'Amazon may send');
  return fail(name, `Amazon may not ${missing.join(' and ')} there`, policyHint(arn));
}

function allows(pattern: string, action: string): boolean {
  const own = pattern.toLowerCase();
  const wanted = `sqs:${action.toLowerCase()}`;
  return own === '*' || own === wanted || (own.endsWith('*') && wanted.startsWith(own.slice(0, -1)));
}

function retentionItem(told: string | undefined): CheckItem {
  const name = 'queue retention';
  const seconds = Number(told ?? Number.NaN);
  if (Number.isNaN(seconds)) return ok(name, 'not told');
  const days = Math.floor(seconds / 86_400);
  if (days >= 14) return ok(name, '14 days');
  return warn(name, `messages are dropped after ${days} days`, 'set the message retention period to 14 days');
}

function subscriptionItem(task: Task): Promise<CheckItem> {
  const name = 'subscription';
  const remedy = 'run: invsync webhooks register';
  const look = async () => {
    if (task.queue === null) return ok(name, 'not needed without a queue');
    const [state] = await listSubscriptions(task);
    if (state === undefined) return warn(name, 'ORDER_CHANGE is not subscribed', remedy);
    if (state.url === task.queue.arn) return ok(name, `ORDER_CHANGE goes to ${state.url}`);
    return fail(name, `ORDER_CHANGE goes to ${state.url}, not to the configured queue`, remedy);
  };
  return asked(look, (error) => failed(name, error));
}

function failed(name: string, { message, hint }: ChannelError): CheckItem {
  return fail(name, message, hint || 'try again; if it stays, look at the log');
}
