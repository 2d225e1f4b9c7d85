import { z } from 'zod';
import type { WebhookReport, WebhookState, Webhooks } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { isNotFound, nullWhen, Refusal } from '../kit/refusal.ts';
import type { Account, Task } from './api.ts';
import { fifoHint, policyHint, type Queue } from './queue.ts';

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
const eventFilter = z.object({
  orderChangeTypes: z.array(z.string()).nullish(),
  marketplaceIds: z.array(z.string()).nullish(),
});
const directive = z.object({ eventFilter: eventFilter.nullish(), filterExpression: z.string().nullish() });
const subscription = z.object({
  subscriptionId: z.string().min(1),
  destinationId: z.string(),
  processingDirective: directive.nullish(),
});
type Subscription = z.infer<typeof subscription>;

const destinations = z.object({ payload: z.array(destination).nullish() });
const oneDestination = z.object({ payload: destination });
const oneSubscription = z.object({ payload: subscription.nullish() });
const subscriptionId = z.object({ payload: z.object({ subscriptionId: z.string().min(1) }) });

/**
 * The subscription of ORDER_CHANGE to the configured queue (AMZ-3). The address that the engine hands over is not
 * used: Amazon delivers to the queue, and nothing needs to be reachable from outside.
 */
export function subscriptionsOf(account: Account): Webhooks {
  return {
    needsUrl: false,
    list: (signal) => listSubscriptions(account.at(signal)),
    ensure: (_url, signal) => ensure(account.at(signal)),
    remove: (signal) => remove(account.at(signal)),
  };
}

async function lookUp(task: Task) {
  const { data } = await task.ask('getDestinations', { data: destinations });
  return { destinations: data.payload ?? [], subscription: await findSubscription(task) };
}

const rememberedKey = 'subscription';

/** One application has one subscription of a type. Its look-up is said to refuse this type now and then (AMZ-9.3). */
async function findSubscription({ ask, deps }: Task): Promise<Subscription | null> {
  try {
    const query = { payloadVersion };
    const { data } = await ask('getSubscription', { ids: [topic], query, data: oneSubscription });
    return data.payload ?? null;
  } catch (error) {
    if (isNotFound(error)) return null;
    const remembered = await deps.vault.get(rememberedKey);
    if (!(error instanceof ChannelError) || error.kind !== 'rejected') throw error;
    return subscription.safeParse(JSON.parse(remembered || 'null')).data ?? null;
  }
}

async function ensure(task: Task): Promise<WebhookReport> {
  const { queue } = task;
  const noQueue = 'set sqs.queue_url and its keys, or webhooks: false to poll only';
  if (queue === null) throw rejected('notifications need a queue', noQueue);
  if (queue.isFifo) throw rejected('Amazon sends nothing to a FIFO queue, without a word', fifoHint);
  const changes: string[] = [];
  const found = await lookUp(task);
  const target = found.destinations.find(leadsTo(queue.arn));
  const destinationId = target?.destinationId ?? (await createDestination(task, queue.arn));
  if (target === undefined) changes.push(`created the destination for ${queue.arn}`);
  const why = found.subscription === null ? 'missing' : fault(found.subscription, destinationId);
  if (why !== null) {
    if (found.subscription !== null) await unsubscribe(task, found.subscription);
    await subscribe(task, destinationId);
    changes.push(why === 'missing' ? `created ${topic}` : `recreated ${topic}: ${why}`);
  }
  return { webhooks: await listSubscriptions(task), changes };
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

async function createDestination(task: Task, arn: string): Promise<string> {
  const body = { name: destinationName, resourceSpecification: { sqs: { arn } } };
  try {
    const { data } = await task.ask('createDestination', { body, data: oneDestination });
    return data.payload.destinationId;
  } catch (error) {
    if (error instanceof Refusal && error.status === 409) {
      const same = (await lookUp(task)).destinations.find(leadsTo(arn));
      if (same !== undefined) return same.destinationId;
      const hint = 'run: invsync webhooks remove, then register again';
      throw rejected(`a destination named ${destinationName} exists for another queue`, hint);
    }
    if (!(error instanceof ChannelError) || !['rejected', 'retry'].includes(error.kind)) throw error;
    // A bare 400 or 500 is how Amazon says that it may not send there (AMZ-3).
    throw new ChannelError(error.kind, error.message, { hint: policyHint(arn), cause: error });
  }
}

function rejected(message: string, hint: string): ChannelError {
  return new ChannelError('rejected', message, { hint });
}

async function subscribe({ ask, deps }: Task, destinationId: string): Promise<void> {
  const processingDirective = { eventFilter: { eventFilterType: topic, orderChangeTypes: changeTypes } };
  const body = { payloadVersion, destinationId, processingDirective };
  const { data } = await ask('createSubscription', { ids: [topic], body, data: subscriptionId });
  const remembered: Subscription = { ...data.payload, destinationId, processingDirective };
  await deps.vault.set(rememberedKey, JSON.stringify(remembered));
}

async function unsubscribe({ ask, deps }: Task, { subscriptionId: id }: Subscription): Promise<void> {
  const call = { ids: [topic, id], data: z.unknown() };
  await ask('deleteSubscriptionById', call).catch(nullWhen(isNotFound));
  await deps.vault.set(rememberedKey, '');
}

/** Takes back what goes to our destinations; the queue itself stays. */
async function remove(task: Task): Promise<string[]> {
  const { destinations: listed, subscription: own } = await lookUp(task);
  const ours = listed.filter((each) => isOurs(each, task.queue));
  const isOwn = own !== null && ours.some((each) => each.destinationId === own.destinationId);
  if (isOwn) await unsubscribe(task, own);
  for (const { destinationId } of ours) {
    const call = { ids: [destinationId], data: z.unknown() };
    await task.ask('deleteDestination', call).catch(nullWhen(isNotFound));
  }
  return isOwn ? [`${topic} (${own.subscriptionId})`] : [];
}

function leadsTo(arn: string) {
  return ({ resource }: Destination) => resource.sqs?.arn === arn;
}

function isOurs(each: Destination, queue: Queue | null): boolean {
  return each.name === destinationName || (queue !== null && leadsTo(queue.arn)(each));
}

export async function listSubscriptions(task: Task): Promise<WebhookState[]> {
  const { destinations: listed, subscription: own } = await lookUp(task);
  if (own === null) return [];
  const target = listed.find((each) => each.destinationId === own.destinationId);
  const url = target?.resource.sqs?.arn ?? `destination ${own.destinationId}`;
  const ours = target !== undefined && isOurs(target, task.queue);
  return [{ id: own.subscriptionId, topic, url, status: 'active', ours }];
}
