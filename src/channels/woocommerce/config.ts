import { z } from 'zod';
import { address, oneOrMore, secret, text } from '../kit/config.ts';

/**
 * What an order's status means for stock. `free`: holds nothing. `refunded`: ended without the units coming back by
 * themselves. `told`: a plugin's status of which only `_reduced_stock` tells.
 */
export type Standing = 'holds' | 'shipped' | 'refunded' | 'free' | 'told';

/** Statuses that WooCommerce itself knows; what they hold is settled (WOO-O.5) and not configurable. */
export const standings: Readonly<Record<string, Standing>> = {
  processing: 'holds',
  'on-hold': 'holds',
  completed: 'shipped',
  refunded: 'refunded',
  pending: 'free',
  failed: 'free',
  cancelled: 'free',
  'checkout-draft': 'free',
  'auto-draft': 'free',
  draft: 'free',
  new: 'free',
};
const coreStatuses = [...Object.keys(standings), 'trash'];

const shopUrl = address
  .refine((text) => {
    const { search, hash, username, password } = new URL(text);
    return `${search}${hash}${username}${password}` === '';
  }, 'must be the address of the shop, http(s)://host[:port][/path], without query or user')
  .describe(
    "The shop's own address as WordPress knows it (Settings > General > Site Address). https uses Basic auth, http OAuth 1.0a; webhooks of any other address are refused.",
  );

const statusMap = z
  .record(text, z.enum(['hold', 'none', 'gone']))
  .transform((map) =>
    Object.fromEntries(Object.entries(map).map(([status, holds]) => [status.replace(/^wc-/, ''), holds])),
  )
  .refine((map) => coreStatuses.every((status) => !Object.hasOwn(map, status)), {
    message: `only statuses added by plugins can be mapped, not ${coreStatuses.join(', ')}`,
  })
  .default({})
  .describe(
    'Order statuses added by plugins: hold (keeps stock), none (keeps none) or gone (shipped). Decides only where the shop did not record a stock movement itself.',
  );

/** The keys that a channel of this type adds to those that all channels share. */
export const wooConfig = z
  .strictObject({
    url: shopUrl,
    consumer_key: text.describe('Consumer key (ck_…) of a key with read/write permission.').meta(secret),
    consumer_secret: text.describe('Consumer secret (cs_…) of that key.').meta(secret),
    webhook_secret: oneOrMore
      .optional()
      .describe(
        'Secret that signs the webhooks; [A-Za-z0-9], 48 characters. A list while changing it: the first one is used for registering, all verify. Not needed with webhooks: false.',
      )
      .meta(secret),
    credentials_in_query: z
      .boolean()
      .default(false)
      .describe(
        'Send key and secret in the query string (https only): for hosts that strip the Authorization header. They end up in the access log of the shop.',
      ),
    hold_rule: z
      .enum(['reduced-stock', 'by-record', 'by-status'])
      .default('reduced-stock')
      .describe(
        'reduced-stock: units held are those that the shop recorded on the order line, and those ordered where the two differ (with a warning). by-record: those recorded, whatever was ordered, for plugins that sell packs (1 ordered, 6 taken). by-status: for shops whose plugins switch off the stock movement of WooCommerce.',
      ),
    status_map: statusMap,
    wake_cron: z
      .boolean()
      .default(false)
      .describe(
        'Call wp-cron.php of the shop at each poll (once a minute at most), so that a shop without visitors delivers its webhooks.',
      ),
  })
  .superRefine((config, context) => {
    if (!config.credentials_in_query || config.url.startsWith('https://')) return;
    context.addIssue({
      code: 'custom',
      path: ['credentials_in_query'],
      message: 'works with an https url only: on http WooCommerce takes OAuth 1.0a, which is used by itself',
    });
  });

/** A channel's configuration after parsing. `url` has no slash at the end. */
export type WooConfig = z.infer<typeof wooConfig>;

/**
 * Is it the same WordPress site? Scheme, a leading www and the slash at the end do not count (a shop behind a TLS
 * proxy may call itself http); host, port and path do. Clones of a shop differ in them (WOO-9.21).
 */
export function sameSite(a: string, b: string): boolean {
  const left = siteKey(a);
  return left !== null && left === siteKey(b);
}

/** Host, port and path in one canonical text; null when it is no address. */
export function siteKey(address: string): string | null {
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  return `${url.host.replace(/^www\./, '')}${url.pathname.replace(/\/+$/, '')}`;
}
