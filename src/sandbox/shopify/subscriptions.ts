import { isLoopback } from '../kit/caller.ts';
import type { Call, Floor } from './floor.ts';
import { gid, idIn } from './gid.ts';
import { wholeSeconds } from './moment.ts';
import type { Views } from './views.ts';
import type { Subscription } from './webhooks.ts';

interface SubscriptionInput {
  uri?: string | null;
  callbackUrl?: string | null;
  format?: 'JSON' | 'XML' | null;
  filter?: string | null;
  includeFields?: string[] | null;
  name?: string | null;
}

/**
 * Registering, changing and deleting (SHP-3). The platform wants public https with a valid certificate; the
 * sandbox also takes plain http on loopback, and calls nothing that is not loopback. `filter` is kept and shown, and
 * filters nothing. User errors have no code.
 */
export function createSubscriptions({ state, webhooks }: Floor, views: Views) {
  const { subscriptions } = webhooks;

  const refused = (field: string[], message: string) => ({ userErrors: [{ field, message }] });
  const missing = refused(['id'], 'Webhook subscription does not exist');

  const find = (id: string): Subscription | undefined => {
    const wanted = idIn(id, 'WebhookSubscription');
    return subscriptions.find((one) => one.id === wanted);
  };

  const problem = (topic: string, uri: string, self: Subscription | null) => {
    const known = /^(https:\/\/|pubsub:\/\/|arn:aws:events:)/.test(uri);
    if (!known && !(uri.startsWith('http://') && isLoopback(uri))) return 'Address is invalid';
    const taken = subscriptions.some((one) => one !== self && one.topic === topic && one.uri === uri);
    return taken ? 'Address for this topic has already been taken' : null;
  };

  return {
    webhookSubscriptionCreate(args: { topic: string; webhookSubscription: SubscriptionInput }, call: Call) {
      const input = args.webhookSubscription;
      const uri = input.uri ?? input.callbackUrl ?? '';
      const wrong = problem(args.topic, uri, null);
      if (wrong !== null) return refused(['webhookSubscription', 'callbackUrl'], wrong);
      const now = wholeSeconds(Date.now());
      const subscription: Subscription = {
        id: state.ids.next('WebhookSubscription'),
        topic: args.topic,
        uri,
        format: input.format ?? 'JSON',
        includeFields: input.includeFields ?? [],
        filter: input.filter ?? null,
        name: input.name ?? null,
        release: call.release,
        createdAt: now,
        updatedAt: now,
      };
      subscriptions.push(subscription);
      return { webhookSubscription: views.subscription(subscription), userErrors: [] };
    },

    webhookSubscriptionUpdate(args: { id: string; webhookSubscription: SubscriptionInput }) {
      const subscription = find(args.id);
      if (subscription === undefined) return missing;
      const input = args.webhookSubscription;
      const uri = input.uri ?? input.callbackUrl ?? subscription.uri;
      const wrong = problem(subscription.topic, uri, subscription);
      if (wrong !== null) return refused(['webhookSubscription', 'callbackUrl'], wrong);
      subscription.uri = uri;
      if (input.format !== undefined && input.format !== null) subscription.format = input.format;
      if (input.includeFields !== undefined) subscription.includeFields = input.includeFields ?? [];
      if (input.filter !== undefined) subscription.filter = input.filter;
      if (input.name !== undefined) subscription.name = input.name;
      subscription.updatedAt = wholeSeconds(Date.now());
      return { webhookSubscription: views.subscription(subscription), userErrors: [] };
    },

    webhookSubscriptionDelete(args: { id: string }) {
      const subscription = find(args.id);
      if (subscription === undefined) return missing;
      subscriptions.splice(subscriptions.indexOf(subscription), 1);
      const deletedWebhookSubscriptionId = gid('WebhookSubscription', subscription.id);
      return { deletedWebhookSubscriptionId, userErrors: [] };
    },
  };
}
