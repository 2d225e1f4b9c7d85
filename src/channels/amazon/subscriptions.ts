import { z } from 'zod';
import type { WebhookReport, WebhookState, Webhooks } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { isNotFound, Refusal } from '../kit/refusal.ts';
import type { Account } from './account.ts';
import type { Call } from './api.ts';
import type { Queue } from './queue.ts';

const root = '/notifications/v1';
/** The only sale signal (AMZ-2.2). */
const topic = 'ORDER_CHANGE';
const payloadVersion = '1.0';
const changeTypes = ['OrderStatusChange', 'BuyerRequestedChange'];
const destinationName = 'invsync';

const destination = z.object({
  destinationId: z.string().min(1),
  name: z.string(),
  resource: z.object({ sqs: z.object({ arn: z.string() }).nullish() }),
});
type Destination = z.infer<typeof destination>;
const subscription = z.object({
  subscriptionId: z.string().min(1),
  destinationId: z.string(),
  processingDirective: z
    .object({
      eventFilter: z
        .object({
          orderChangeTypes: z.array(z.string()).nullish(),
          marketplaceIds: z.array(z.string()).nullish(),
        })
        .nullish(),
      filterExpression: z.string().nullish(),
    })
    .nullish(),
});
type Subscription = z.infer<typeof subscription>;

const destinations = z.object({ payload: z.array(destination).nullish() });
const oneDestination = z.object({ payload: destination });
const oneSubscription = z.object({ payload: subscription.nullish() });
const subscriptionId = z.object({ payload: z.object({ subscriptionId: z.string().min(1) }) });
const anything = z.unknown();

/**
 * The subscription of ORDER_CHANGE to the configured queue (AMZ-3). The address that the engine hands over is not
 * used: Amazon delivers to the queue, and nothing needs to be reachable from outside.
 */
export function subscriptionsOf(account: Account): Webhooks {
  return {
    needsUrl: false,
    list: async (signal) => statesOf(await lookUp(account, signal), account.queue),
    ensure: (_url, signal) => ensure(account, signal),
    remove: (signal) => remove(account, signal),
  };
}

interface Found {
  destinations: Destination[];
  subscription: Subscription | null;
}

async function lookUp(account: Account, signal: AbortSignal): Promise<Found> {
  const listed = await ask(
    account,
    {
      operation: 'getDestinations',
      method: 'GET',
      path: '/destinations',
      grant: 'grantless',
      data: destinations,
    },
    signal,
  );
  return { destinations: listed.payload ?? [], subscription: await findSubscription(account, signal) };
}

/** One application has one subscription of a type. Its look-up is said to refuse this type now and then (AMZ-9.3). */
async function findSubscription(account: Account, signal: AbortSignal): Promise<Subscription | null> {
  try {
    const { payload } = await ask(
      account,
      {
        operation: 'getSubscription',
        method: 'GET',
        path: `/subscriptions/${topic}`,
        query: { payloadVersion },
        data: oneSubscription,
      },
      signal,
    );
    return payload ?? null;
  } catch (error) {
    if (isNotFound(error)) return null;
    const remembered = await account.deps.vault.get(rememberedKey);
    if (!(error instanceof ChannelError) || error.kind !== 'rejected') throw error;
    const parsed = subscription.safeParse(
      JSON.parse(remembered === null || remembered === '' ? 'null' : remembered),
    );
    return parsed.success ? parsed.data : null;
  }
}

const rememberedKey = 'subscription';

async function ensure(account: Account, signal: AbortSignal): Promise<WebhookReport> {
  const { queue } = account;
  if (queue === null) {
    throw new ChannelError('rejected', 'notifications need a queue', {
      hint: 'set sqs.queue_url and its keys, or webhooks: false to poll only',
    });
  }
  if (queue.isFifo) {
    throw new ChannelError('rejected', 'Amazon sends nothing to a FIFO queue, without a word', {
      hint: 'make a standard queue and set its URL as sqs.queue_url',
    });
  }
  const changes: string[] = [];
  const found = await lookUp(account, signal);
  const target = found.destinations.find((each) => each.resource.sqs?.arn === queue.arn);
  const destinationId = target?.destinationId ?? (await createDestination(account, queue, signal));
  if (target === undefined) changes.push(`created the destination for ${queue.arn}`);
  const why = found.subscription === null ? 'missing' : fault(found.subscription, destinationId);
  if (why !== null) {
    if (found.subscription !== null) await unsubscribe(account, found.subscription.subscriptionId, signal);
    await subscribe(account, destinationId, signal);
    changes.push(why === 'missing' ? `created ${topic}` : `recreated ${topic}: ${why}`);
  }
  return { webhooks: statesOf(await lookUp(account, signal), queue), changes };
}

/** Why a subscription must be replaced; null when it is right. */
function fault({ destinationId, processingDirective }: Subscription, wanted: string): string | null {
  if (destinationId !== wanted) return 'it went to another destination';
  const { eventFilter, filterExpression } = processingDirective ?? {};
  if (filterExpression != null) return 'its filter could hide orders';
  const types = eventFilter?.orderChangeTypes;
  if (types != null && !changeTypes.every((type) => types.includes(type)))
    return 'its filter hid changes of orders';
  return eventFilter?.marketplaceIds != null ? 'its filter hid marketplaces' : null;
}

async function createDestination(account: Account, queue: Queue, signal: AbortSignal): Promise<string> {
  const body = { name: destinationName, resourceSpecification: { sqs: { arn: queue.arn } } };
  try {
    const { payload } = await ask(
      account,
      {
        operation: 'createDestination',
        method: 'POST',
        path: '/destinations',
        grant: 'grantless',
        body,
        data: oneDestination,
      },
      signal,
    );
    return payload.destinationId;
  } catch (error) {
    if (error instanceof Refusal && error.status === 409) return await existing(account, queue, signal);
    if (!(error instanceof ChannelError) || !['rejected', 'retry'].includes(error.kind)) throw error;
    // A bare 400 or 500 is how Amazon says that it may not send there (AMZ-3).
    throw new ChannelError(error.kind, error.message, { hint: policyHint(queue.arn), cause: error });
  }
}

/** What the queue's policy must allow, in words. */
export function policyHint(arn: string): string {
  return `allow the AWS account 437568002678 sqs:SendMessage and sqs:GetQueueAttributes on ${arn} in the queue's access policy`;
}

async function existing(account: Account, queue: Queue, signal: AbortSignal): Promise<string> {
  const { destinations: listed } = await lookUp(account, signal);
  const same = listed.find((each) => each.resource.sqs?.arn === queue.arn);
  if (same !== undefined) return same.destinationId;
  throw new ChannelError('rejected', `a destination named ${destinationName} exists for another queue`, {
    hint: 'run: invsync webhooks remove, then register again',
  });
}

async function subscribe(account: Account, destinationId: string, signal: AbortSignal): Promise<void> {
  const processingDirective = {
    eventFilter: { eventFilterType: topic, orderChangeTypes: changeTypes },
  };
  const { payload } = await ask(
    account,
    {
      operation: 'createSubscription',
      method: 'POST',
      path: `/subscriptions/${topic}`,
      body: { payloadVersion, destinationId, processingDirective },
      data: subscriptionId,
    },
    signal,
  );
  const remembered: Subscription = {
    subscriptionId: payload.subscriptionId,
    destinationId,
    processingDirective,
  };
  await account.deps.vault.set(rememberedKey, JSON.stringify(remembered));
}

async function unsubscribe(account: Account, id: string, signal: AbortSignal): Promise<void> {
  await forget(
    account,
    'deleteSubscriptionById',
    `/subscriptions/${topic}/${encodeURIComponent(id)}`,
    signal,
  );
  await account.deps.vault.set(rememberedKey, '');
}

async function forget(
  account: Account,
  operation: 'deleteSubscriptionById' | 'deleteDestination',
  path: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await ask(account, { operation, method: 'DELETE', path, grant: 'grantless', data: anything }, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Takes back what goes to our destinations; the queue itself stays. */
async function remove(account: Account, signal: AbortSignal): Promise<string[]> {
  const found = await lookUp(account, signal);
  const ours = found.destinations.filter((each) => isOurs(each, account.queue));
  const removed: string[] = [];
  const own = found.subscription;
  if (own !== null && ours.some((each) => each.destinationId === own.destinationId)) {
    await unsubscribe(account, own.subscriptionId, signal);
    removed.push(`${topic} (${own.subscriptionId})`);
  }
  for (const each of ours) {
    await forget(
      account,
      'deleteDestination',
      `/destinations/${encodeURIComponent(each.destinationId)}`,
      signal,
    );
  }
  return removed;
}

function isOurs({ name, resource }: Destination, queue: Queue | null): boolean {
  return name === destinationName || (queue !== null && resource.sqs?.arn === queue.arn);
}

function statesOf({ destinations: listed, subscription: own }: Found, queue: Queue | null): WebhookState[] {
  if (own === null) return [];
  const target = listed.find((each) => each.destinationId === own.destinationId);
  return [
    {
      id: own.subscriptionId,
      topic,
      url: target?.resource.sqs?.arn ?? `destination ${own.destinationId}`,
      status: 'active',
      ours: target !== undefined && isOurs(target, queue),
    },
  ];
}

async function ask<T>(account: Account, call: Call<T>, signal: AbortSignal): Promise<T> {
  const { data } = await account.api.call({ ...call, path: `${root}${call.path}` }, signal);
  return data;
}
