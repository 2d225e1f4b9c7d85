import { z } from 'zod';
import type { AccountIdentity, CheckItem } from '../channel.ts';
import { clockItem, fail, ok, warn } from '../kit/check.ts';
import type { Answer } from '../kit/rest.ts';
import { connectionPages, type ShopifyApi, versionOf } from './api.ts';
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

interface Context {
  api: ShopifyApi;
  config: ShopifyConfig;
}

/** The shop behind the credentials. */
export async function identity(api: ShopifyApi, signal: AbortSignal): Promise<AccountIdentity> {
  const { data } = await askShop(api, signal);
  return { accountId: data.shop.id, title: `${data.shop.name} (${data.shop.myshopifyDomain})` };
}

/** Credentials, scopes, version, clock, location and settings that oversell. Throws `ChannelError` when nothing can be asked. */
export async function check(context: Context, signal: AbortSignal): Promise<CheckItem[]> {
  const { api, config } = context;
  const shop = await askShop(api, signal);
  const granted = new Set(shop.data.currentAppInstallation.accessScopes.map((scope) => scope.handle));
  const items = [
    credentials(api, shop.data, config),
    ...checkScopes(granted),
    version(shop, config),
    clockItem('Shopify', shop),
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
    return fail(
      name,
      `the credentials are those of ${data.shop.myshopifyDomain}, not of ${config.shop}`,
      'set shop to that name: deliveries of another shop are refused',
    );
  }
  return ok(name, `${api.credential} accepted by ${data.shop.name}`);
}

/** A write scope contains its read scope. */
function checkScopes(granted: ReadonlySet<string>): CheckItem[] {
  const lacks = (scope: string) => !granted.has(scope) && !granted.has(scope.replace(/^read_/, 'write_'));
  const needed = scopes.needed.filter(lacks);
  const optional = scopes.optional.filter(lacks);
  const remedy = 'add them to the app’s configuration and install or release it again';
  return [
    needed.length > 0
      ? fail('scopes', `missing: ${needed.join(', ')}`, remedy)
      : ok('scopes', 'all that are needed are granted'),
    optional.length > 0
      ? warn('oversell scopes', `missing for hold or cancel: ${optional.join(', ')}`, remedy)
      : ok('oversell scopes', 'orders can be held and cancelled'),
  ];
}

function version(shop: Answer<unknown>, config: ShopifyConfig): CheckItem {
  const name = 'api version';
  const answered = versionOf(shop);
  if (answered === null || answered === config.api_version) {
    return ok(name, config.api_version);
  }
  return warn(
    name,
    `asked for ${config.api_version}, answered by ${answered}`,
    'the pinned version is no longer served; update invsync',
  );
}

function webhookSecret(config: ShopifyConfig): CheckItem {
  const name = 'webhook secret';
  if (config.webhook_secret !== undefined || config.client_secret !== undefined) {
    return ok(name, 'set');
  }
  return warn(
    name,
    'not set: every webhook is refused',
    'set webhook_secret to the app’s API secret key, or webhooks: false to poll only',
  );
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
    return [fail(name, `${config.location} does not exist`, remedy)];
  }
  if (!data.location.isActive) {
    return [fail(name, `${data.location.name} is deactivated`, remedy)];
  }
  const others = active.filter((other) => other.id !== config.location && other.fulfillsOnlineOrders);
  const names = others.map((other) => other.name).join(', ');
  return [
    ok(name, data.location.name),
    others.length > 0
      ? warn(
          'other locations',
          `Shopify also sells from: ${names}; their stock is not kept right`,
          'switch off "Fulfill online orders" there, or keep their stock at 0',
        )
      : ok('other locations', 'none fulfils online orders'),
  ];
}

async function activeLocations(api: ShopifyApi, signal: AbortSignal): Promise<z.infer<typeof Location>[]> {
  const found: z.infer<typeof Location>[] = [];
  const pages = connectionPages(
    { what: 'the list of locations' },
    ({ after }) => api.call({ document: 'Locations', variables: { after }, data: LocationsData }, signal),
    ({ data }) => data.locations.pageInfo,
  );
  for await (const { data } of pages) found.push(...data.locations.nodes.filter(({ isActive }) => isActive));
  return found;
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
    return ok(name, `the first ${nodes.length} variants stop selling at 0`);
  }
  const skus = overselling.slice(0, 5).map((variant) => variant.sku ?? variant.id);
  return warn(
    name,
    `of the first ${nodes.length} variants, ${overselling.length} go on selling when out of stock: ${skus.join(', ')}`,
    'switch off "Continue selling when out of stock" for them',
  );
}
