import type { Records } from '../kit/records.ts';
import type { ShopRecords } from '../shop.ts';
import { goneBy, takenBy } from './orders.ts';
import { shownStock } from './products.ts';
import type { Site } from './site.ts';

/**
 * The shop's own truth in neutral words. Orders that were deleted for good stay in (the shop's stock stays down for
 * them, status `deleted`); carts that became no order (`checkout-draft`) are left out.
 */
export function shopRecords(site: Site, records: Records): ShopRecords {
  const orders = [...site.orders.values()].filter((order) => order.status !== 'checkout-draft');
  const listed = [...site.products.values()].filter((product) => product.type !== 'variable');
  return {
    orders: orders.map((order) => ({
      order_id: String(order.id),
      placed_at: order.placedMs,
      changed_at: order.changedMs,
      status: order.deleted ? 'deleted' : order.status,
      lines: order.lines.map((line) => {
        const taken = takenBy(site, order, line);
        return { line_id: String(line.id), sku: line.soldSku, taken, gone: goneBy(site, order, line) };
      }),
      heard: order.heard === order.revision,
    })),
    calls: records.all(),
    listings: listed.map((product) => ({
      sku: product.sku,
      listing_id: String(product.id),
      shown: shownStock(site, product),
    })),
  };
}
