import { z } from 'zod';
import type { CheckItem } from '../channel.ts';
import { fail, ok, warn } from '../kit/check.ts';
import { isNotFound, nullWhen } from '../kit/refusal.ts';
import type { Shop } from './shop.ts';

const Values = z
  .array(z.object({ id: z.string(), value: z.unknown() }))
  .catch([])
  .transform((rows) => new Map(rows.map(({ id, value }) => [id, String(value ?? '')])));

const where = 'WooCommerce > Settings > Products > Inventory';

/** Store settings that oversell or keep stock for ever (WOO-4, WOO-5.4, WOO-6). Their route was never tried on a real shop. */
export async function settingsItems(shop: Shop, signal: AbortSignal): Promise<CheckItem[]> {
  const name = 'settings';
  const query = { _fields: 'id,value' };
  const answer = await shop.api
    .call({ method: 'GET', path: '/settings/products', query, data: Values }, signal)
    .catch(nullWhen(isNotFound));
  const values = answer?.data ?? new Map<string, string>();
  if (values.size === 0) return [ok(name, 'the shop does not tell its inventory settings')];
  const items: CheckItem[] = [];
  if (values.get('woocommerce_manage_stock') === 'no') {
    const detail = 'stock management is switched off: every number is ignored by the shop';
    items.push(fail(name, detail, `tick "Enable stock management" under ${where}`));
  }
  const minutes = values.get('woocommerce_hold_stock_minutes');
  if (minutes !== undefined && !(Number(minutes) > 0)) {
    const detail = 'unpaid orders are never cancelled by themselves and reserve nothing';
    items.push(warn(name, detail, `set "Hold stock (minutes)" under ${where}, 60 is usual`));
  }
  const units = Number(values.get('woocommerce_notify_no_stock_amount') ?? 0);
  if (units > 0) {
    const detail = `products show "out of stock" from ${units} units down: the last ${units} are never sold there`;
    const instead = 'use buffer in the configuration instead';
    items.push(warn(name, detail, `set "Out of stock threshold" to 0 under ${where}; ${instead}`));
  }
  return items.length > 0 ? items : [ok(name, 'inventory settings are sound')];
}
