import { z } from 'zod';
import type { CheckItem } from '../channel.ts';
import { fail, ok, warn } from '../kit/check.ts';
import { isNotFound } from '../kit/refusal.ts';
import type { Shop } from './shop.ts';

const rows = z.array(z.object({ id: z.string(), value: z.unknown() }));
const name = 'settings';

/** Store settings that oversell or keep stock for ever (WOO-4, WOO-5.4, WOO-6). Their route was never tried on a real shop. */
export async function settingsItems(shop: Shop, signal: AbortSignal): Promise<CheckItem[]> {
  let values: Map<string, string>;
  try {
    const { json } = await shop.api.get({
      path: '/settings/products',
      query: [['_fields', 'id,value']],
      signal,
    });
    const parsed = rows.safeParse(json);
    values = new Map(parsed.success ? parsed.data.map(({ id, value }) => [id, String(value ?? '')]) : []);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    values = new Map();
  }
  if (values.size === 0) {
    return [ok(name, 'the shop does not tell its inventory settings')];
  }
  const items = [manageStock(values), holdMinutes(values), threshold(values)].filter((item) => item !== null);
  if (items.length > 0) return items;
  return [ok(name, 'inventory settings are sound')];
}

const where = 'WooCommerce > Settings > Products > Inventory';

function manageStock(values: ReadonlyMap<string, string>): CheckItem | null {
  if (values.get('woocommerce_manage_stock') !== 'no') return null;
  return fail(
    name,
    'stock management is switched off: every number is ignored by the shop',
    `tick "Enable stock management" under ${where}`,
  );
}

function holdMinutes(values: ReadonlyMap<string, string>): CheckItem | null {
  const minutes = values.get('woocommerce_hold_stock_minutes');
  if (minutes === undefined || Number(minutes) > 0) return null;
  return warn(
    name,
    'unpaid orders are never cancelled by themselves and reserve nothing',
    `set "Hold stock (minutes)" under ${where}, 60 is usual`,
  );
}

function threshold(values: ReadonlyMap<string, string>): CheckItem | null {
  const units = Number(values.get('woocommerce_notify_no_stock_amount') ?? 0);
  if (!(units > 0)) return null;
  return warn(
    name,
    `products show "out of stock" from ${units} units down: the last ${units} are never sold there`,
    `set "Out of stock threshold" to 0 under ${where}; use buffer in the configuration instead`,
  );
}
