import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { AccountIdentity, CheckItem } from '../channel.ts';
import { type Answer, nextCursor, type ShopifyApi } from './api.ts';
import { scopes } from './capabilities.ts';
import { connection } from './graphql-order.ts';
import type { ShopifyConfig } from './schema.ts';

const ShopData = z.object({
  shop: z.object({ id: z.string(), myshopifyDomain: z.string(), name: z.string() }),
  currentAppInstallation: z.object({ accessScopes: z.array(z.object({ handle: z.string() })) }),
});
type ShopData = z.infer<typeof ShopData>;

const Location = z.object({
  id: z.string(),
  name: z.string(),
  isActive: z.boolean(),
  fulfillsOnlineOrders: z.boolean(),
});
const LocationData = z.object({ location: Location.nullable() });
const LocationsData = z.object({ locations: connection(Location) });
const PoliciesData = z.object({
  productVariants: z.object({
    nodes: z.array(
      z.object({
        id: z.string(),
        sku: z.string().nullish(),
        inventoryPolicy: z.string(),
        inventoryItem: z.object({ tracked: z.boolean() }),
      }),
    ),
  }),
});

/** Difference between the shop's clock and ours that deserves a warning. */
const clockSkewMs = 60_000;

interface Context {
  api: ShopifyApi;
  config: ShopifyConfig;
  clock: Clock;
}

/** The shop behind the credentials. */
export async function identity(api: ShopifyApi, signal: AbortSignal): Promise<AccountIdentity> {
  const { data } = await askShop(api, signal);
  return { accountId: data.shop.id, title: `${data.shop.name} (${data.shop.myshopifyDomain})` };
}

/** Credentials, scopes, version, clock, location and settings that oversell. Throws `ChannelError` when nothing can be asked. */
export async function check(context: Context, signal: AbortSignal): Promise<CheckItem[]> {
  const { api, config, clock } = context;
  const shop = await askShop(api, signal);
  const granted = new Set(shop.data.currentAppInstallation.accessScopes.map((scope) => scope.handle));
  const items = [
    credentials(api, shop.data, config),
    ...checkScopes(granted),
    version(shop, config),
    clockItem(shop, clock),
    webhookSecret(config),
  ];
  if (granted.has('read_locations')) items.push(...(await locations(context, signal)));
  if (granted.has('read_products')) items.push(await policies(api, signal));
  return items;
}

function askShop(api: ShopifyApi, signal: AbortSignal): Promise<Answer<ShopData>> {
  return api.call({ document: 'Shop', variables: {}, data: ShopData }, signal);
}

function credentials(api: ShopifyApi, data: ShopData, config: ShopifyConfig): CheckItem {
  const name = 'credentials';
  if (data.shop.myshopifyDomain.toLowerCase() !== config.shop.toLowerCase()) {
    return {
      name,
      level: 'fail',
      detail: `the credentials are those of ${data.shop.myshopifyDomain}, not of ${config.shop}`,
      remedy: 'set shop to that name: deliveries of another shop are refused',
    };
  }
  return { name, level: 'ok', detail: `${api.tokens.kind} accepted by ${data.shop.name}`, remedy: '' };
}

/** A write scope contains its read scope. */
function checkScopes(granted: ReadonlySet<string>): CheckItem[] {
  const lacks = (scope: string) => !granted.has(scope) && !granted.has(scope.replace(/^read_/, 'write_'));
  const needed = scopes.needed.filter(lacks);
  const optional = scopes.optional.filter(lacks);
  const remedy = 'add them to the app’s configuration and install or release it again';
  return [
    needed.length > 0
      ? { name: 'scopes', level: 'fail', detail: `missing: ${needed.join(', ')}`, remedy }
      : { name: 'scopes', level: 'ok', detail: 'all that are needed are granted', remedy: '' },
    optional.length > 0
      ? {
          name: 'oversell scopes',
          level: 'warn',
          detail: `missing for hold or cancel: ${optional.join(', ')}`,
          remedy,
        }
      : { name: 'oversell scopes', level: 'ok', detail: 'orders can be held and cancelled', remedy: '' },
  ];
}

function version(shop: Answer<unknown>, config: ShopifyConfig): CheckItem {
  const name = 'api version';
  if (shop.version === null || shop.version === config.api_version) {
    return { name, level: 'ok', detail: config.api_version, remedy: '' };
  }
  return {
    name,
    level: 'warn',
    detail: `asked for ${config.api_version}, answered by ${shop.version}`,
    remedy: 'the pinned version is no longer served; update invsync',
  };
}

function clockItem(shop: Answer<unknown>, clock: Clock): CheckItem {
  const seconds = Math.round((clock.now() - shop.channelClock) / 1000);
  if (Math.abs(seconds * 1000) <= clockSkewMs) {
    return { name: 'clock', level: 'ok', detail: 'agrees with the shop’s', remedy: '' };
  }
  const detail = `this machine’s clock is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} the shop’s`;
  return { name: 'clock', level: 'warn', detail, remedy: 'synchronize the clock (NTP)' };
}

function webhookSecret(config: ShopifyConfig): CheckItem {
  const name = 'webhook secret';
  if (config.webhook_secret !== undefined || config.client_secret !== undefined) {
    return { name, level: 'ok', detail: 'set', remedy: '' };
  }
  return {
    name,
    level: 'warn',
    detail: 'not set: every webhook is refused',
    remedy: 'set webhook_secret to the app’s API secret key, or webhooks: false to poll only',
  };
}

async function locations(context: Context, signal: AbortSignal): Promise<CheckItem[]> {
  const { api, config } = context;
  const name = 'location';
  const variables = { id: config.location };
  const { data } = await api.call({ document: 'Location', variables, data: LocationData }, signal);
  const active = await activeLocations(api, signal);
  const choice = active.map((location) => `${location.id} (${location.name})`).join(', ');
  const remedy = `choose one of: ${choice}`;
  if (data.location === null) {
    return [{ name, level: 'fail', detail: `${config.location} does not exist`, remedy }];
  }
  if (!data.location.isActive) {
    return [{ name, level: 'fail', detail: `${data.location.name} is deactivated`, remedy }];
  }
  const others = active.filter((other) => other.id !== config.location && other.fulfillsOnlineOrders);
  const names = others.map((other) => other.name).join(', ');
  return [
    { name, level: 'ok', detail: data.location.name, remedy: '' },
    others.length > 0
      ? {
          name: 'other locations',
          level: 'warn',
          detail: `Shopify also sells from: ${names}; their stock is not kept right`,
          remedy: 'switch off "Fulfill online orders" there, or keep their stock at 0',
        }
      : { name: 'other locations', level: 'ok', detail: 'none fulfils online orders', remedy: '' },
  ];
}

async function activeLocations(api: ShopifyApi, signal: AbortSignal): Promise<z.infer<typeof Location>[]> {
  const found: z.infer<typeof Location>[] = [];
  let after: string | null = null;
  for (;;) {
    const answer: Answer<z.infer<typeof LocationsData>> = await api.call(
      { document: 'Locations', variables: { after }, data: LocationsData },
      signal,
    );
    const { nodes, pageInfo } = answer.data.locations;
    found.push(...nodes.filter((location) => location.isActive));
    if (!pageInfo.hasNextPage) return found;
    after = nextCursor(pageInfo.endCursor, after);
  }
}

/** A sample: there is no filter for the policy, and a whole catalogue is too much for a check. */
async function policies(api: ShopifyApi, signal: AbortSignal): Promise<CheckItem> {
  const name = 'sold-out policy';
  const { data } = await api.call({ document: 'Policies', variables: {}, data: PoliciesData }, signal);
  const { nodes } = data.productVariants;
  const overselling = nodes.filter(
    (variant) => variant.inventoryItem.tracked && variant.inventoryPolicy === 'CONTINUE',
  );
  if (overselling.length === 0) {
    return { name, level: 'ok', detail: `the first ${nodes.length} variants stop selling at 0`, remedy: '' };
  }
  const skus = overselling.slice(0, 5).map((variant) => variant.sku ?? variant.id);
  return {
    name,
    level: 'warn',
    detail: `of the first ${nodes.length} variants, ${overselling.length} go on selling when out of stock: ${skus.join(', ')}`,
    remedy: 'switch off "Continue selling when out of stock" for them',
  };
}
