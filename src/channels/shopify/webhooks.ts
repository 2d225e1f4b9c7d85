import { z } from 'zod';
import type { WebhookReport, WebhookState, Webhooks } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { connectionPages, type ShopifyApi } from './api.ts';
import type { DocumentName } from './documents.ts';
import { connection } from './graphql-order.ts';

/** Keeps personal data out of order bodies; the signature covers the reduced body (SHP-3). */
const orderFields = [
  'id',
  'admin_graphql_api_id',
  'name',
  'created_at',
  'updated_at',
  'cancelled_at',
  'cancel_reason',
  'financial_status',
  'fulfillment_status',
  'test',
  'source_name',
  'line_items',
  'refunds',
];

/**
 * The smallest set of topics (SHP-2.1): header name, enum name and the fields asked for (empty: all). products/update
 * is left out, because every push of stock fires it (SHP-9.6); shipping is learned by the poll.
 */
const wanted: readonly { topic: string; name: string; includeFields: string[] }[] = [
  { topic: 'orders/create', name: 'ORDERS_CREATE', includeFields: orderFields },
  { topic: 'orders/cancelled', name: 'ORDERS_CANCELLED', includeFields: orderFields },
  { topic: 'orders/edited', name: 'ORDERS_EDITED', includeFields: [] },
  { topic: 'refunds/create', name: 'REFUNDS_CREATE', includeFields: ['id', 'order_id'] },
  { topic: 'inventory_levels/update', name: 'INVENTORY_LEVELS_UPDATE', includeFields: [] },
  { topic: 'inventory_items/update', name: 'INVENTORY_ITEMS_UPDATE', includeFields: [] },
  { topic: 'inventory_items/delete', name: 'INVENTORY_ITEMS_DELETE', includeFields: [] },
  { topic: 'app/uninstalled', name: 'APP_UNINSTALLED', includeFields: [] },
];

const HookNode = z.object({
  id: z.string(),
  topic: z.string(),
  uri: z.string(),
  format: z.string(),
  filter: z.string().nullish(),
  includeFields: z.array(z.string()).nullish(),
});
type HookNode = z.infer<typeof HookNode>;

const HooksData = z.object({ webhookSubscriptions: connection(HookNode) });
const UserErrors = z.object({ userErrors: z.array(z.object({ message: z.string() })) });
const WriteData = z.object({
  webhookSubscriptionCreate: UserErrors.nullish(),
  webhookSubscriptionUpdate: UserErrors.nullish(),
  webhookSubscriptionDelete: UserErrors.nullish(),
});

/**
 * The app's shop-level subscriptions. Those of an app configuration file or made by hand in the admin are not visible
 * here (SHP-2.4, SHP-3). Ours are those whose path runs through /hooks/<channel>.
 */
export function createWebhooks(api: ShopifyApi, channel: string): Webhooks {
  const isOurs = (uri: string): boolean => `${pathOf(uri)}/`.includes(`/hooks/${channel}/`);
  const list = async (signal: AbortSignal): Promise<WebhookState[]> =>
    (await readHooks(api, signal)).map((hook) => stateOf(hook, isOurs(hook.uri)));

  return {
    list,
    async ensure(url, signal) {
      const hooks = await readHooks(api, signal);
      const ours = hooks.filter((hook) => hook.uri === url || isOurs(hook.uri));
      const changes: string[] = [];
      for (const want of wanted) {
        const candidates = ours.filter((hook) => hook.topic === want.name);
        const kept = candidates.find((hook) => fits(hook, want, url)) ?? candidates[0];
        const change = await mend(api, { want, kept, url }, signal);
        if (change !== null) changes.push(change);
        for (const extra of candidates.filter((hook) => hook !== kept)) {
          await write(api, { document: 'HookDelete', variables: { id: extra.id } }, signal);
          changes.push(`removed a second ${want.topic}`);
        }
      }
      const webhooks =
        changes.length === 0 ? hooks.map((hook) => stateOf(hook, ours.includes(hook))) : await list(signal);
      return { webhooks, changes } satisfies WebhookReport;
    },
    async remove(signal) {
      const ours = (await readHooks(api, signal)).filter((hook) => isOurs(hook.uri));
      const removed: string[] = [];
      for (const hook of ours) {
        await write(api, { document: 'HookDelete', variables: { id: hook.id } }, signal);
        removed.push(topicOf(hook.topic));
      }
      return removed;
    },
  };
}

type Wanted = (typeof wanted)[number];

function fits(hook: HookNode, want: Wanted, url: string): boolean {
  const has = [...(hook.includeFields ?? [])].sort().join();
  const isUnfiltered = (hook.filter ?? '') === '';
  return (
    hook.uri === url &&
    hook.format === 'JSON' &&
    isUnfiltered &&
    has === [...want.includeFields].sort().join()
  );
}

/** Creates or updates one subscription; what was done in words, or null when it already fits. */
async function mend(
  api: ShopifyApi,
  at: { want: Wanted; kept: HookNode | undefined; url: string },
  signal: AbortSignal,
): Promise<string | null> {
  const { want, kept, url } = at;
  const fields = want.includeFields.length === 0 ? {} : { includeFields: want.includeFields };
  const sub = { uri: url, format: 'JSON', ...fields };
  if (kept === undefined) {
    const refusal = await write(
      api,
      { document: 'HookCreate', variables: { topic: want.name, sub } },
      signal,
    );
    return refusal === null ? `created ${want.topic}` : `${want.topic} was there already`;
  }
  if (fits(kept, want, url)) return null;
  const whole =
    want.includeFields.length === 0 ? { ...sub, includeFields: [], filter: '' } : { ...sub, filter: '' };
  await write(api, { document: 'HookUpdate', variables: { id: kept.id, sub: whole } }, signal);
  return kept.uri === url
    ? `mended ${want.topic}: its fields or filter differed`
    : `moved ${want.topic} to this address`;
}

/** Null when done; the words of Shopify when the very same subscription exists ("already taken", SHP-3, from memory). */
async function write(
  api: ShopifyApi,
  ask: { document: DocumentName; variables: Record<string, unknown> },
  signal: AbortSignal,
): Promise<string | null> {
  const { data } = await api.call({ ...ask, data: WriteData }, signal);
  const result =
    data.webhookSubscriptionCreate ?? data.webhookSubscriptionUpdate ?? data.webhookSubscriptionDelete;
  const message = result?.userErrors[0]?.message;
  if (message === undefined) return null;
  if (ask.document === 'HookCreate' && /already been taken|already taken/i.test(message)) return message;
  if (ask.document === 'HookDelete' && /not found|does not exist/i.test(message)) return message;
  throw new ChannelError('rejected', `Shopify refused the webhook: ${message.slice(0, 200)}`, {
    hint: 'public_url must be https with a valid certificate chain, and the app needs the scopes of docs/channels/shopify.md',
  });
}

async function readHooks(api: ShopifyApi, signal: AbortSignal): Promise<HookNode[]> {
  const hooks: HookNode[] = [];
  const pages = connectionPages(
    { what: 'the list of webhooks' },
    ({ after }) => api.call({ document: 'Hooks', variables: { after }, data: HooksData }, signal),
    ({ data }) => data.webhookSubscriptions.pageInfo,
  );
  for await (const { data } of pages) hooks.push(...data.webhookSubscriptions.nodes);
  return hooks;
}

/** The Admin API knows no disabled subscription: one that fails too often is deleted (SHP-2.5). */
function stateOf(hook: HookNode, ours: boolean): WebhookState {
  return { id: hook.id, topic: topicOf(hook.topic), url: hook.uri, status: 'active', ours };
}

function topicOf(name: string): string {
  return wanted.find((want) => want.name === name)?.topic ?? name;
}

function pathOf(uri: string): string {
  return URL.canParse(uri) ? new URL(uri).pathname : '';
}
