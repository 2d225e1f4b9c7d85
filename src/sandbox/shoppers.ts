import type { Random } from './kit/random.ts';
import type { CatalogueItem, Shop } from './shop.ts';

/** People who buy, change their minds, and send things back; and a merchant who ships. */
export interface Shoppers {
  /** One visit: an order most of the time, else something that happens to an earlier one. */
  visit(): void;
  /** The last unit of a SKU is bought in every shop at once. Answers how many shops sold it. */
  race(): number;
  /** So many plain orders in one shop. Answers their ids. */
  buy(shop: Shop, orders: number): string[];
  orders(): number;
}

interface Placed {
  shop: Shop;
  orderId: string;
  lines: { lineId: string; quantity: number }[];
  ended: boolean;
  shipped: boolean;
}

/** Shoppers over all shops; the same seed and the same shops make the same visits. */
export function createShoppers(
  random: Random,
  shops: readonly Shop[],
  catalogue: readonly CatalogueItem[],
): Shoppers {
  const placed: Placed[] = [];

  const sell = (shop: Shop, lines: { sku: string; quantity: number }[]): Placed | null => {
    const result = shop.sell({ lines });
    if (!result.sold) return null;
    const order: Placed = {
      shop,
      orderId: result.order_id,
      lines: result.lines.map((line) => ({ lineId: line.line_id, quantity: line.quantity })),
      ended: false,
      shipped: false,
    };
    placed.push(order);
    return order;
  };
  const basket = () => {
    const skus = new Set<string>();
    const size = random.chance(0.25) ? random.int(2, 3) : 1;
    for (let line = 0; line < size; line += 1) skus.add(favourite(random, catalogue).sku);
    return [...skus].map((sku) => ({ sku, quantity: random.chance(0.8) ? 1 : random.int(2, 3) }));
  };
  const afterwards = () => {
    const open = placed.filter((order) => !order.ended);
    if (open.length === 0) return;
    changeMind(random, random.pick(open.slice(-200)));
  };

  return {
    visit: () => {
      if (random.chance(0.7)) sell(random.pick(shops), basket());
      else afterwards();
    },
    race: () => {
      const item = random.pick(catalogue);
      return shops.filter((shop) => sell(shop, [{ sku: item.sku, quantity: 1 }]) !== null).length;
    },
    buy: (shop, orders) => {
      const ids: string[] = [];
      for (let tries = 0; ids.length < orders && tries < orders * 20; tries += 1) {
        const order = sell(shop, [{ sku: random.pick(catalogue).sku, quantity: 1 }]);
        if (order === null) continue;
        // These are left alone: nothing later may tell the daemon about them.
        order.ended = true;
        ids.push(order.orderId);
      }
      return ids;
    },
    orders: () => placed.length,
  };
}

/** A few pieces sell most of the time. */
function favourite(random: Random, catalogue: readonly CatalogueItem[]): CatalogueItem {
  const rank = Math.floor(catalogue.length * random.next() ** 2);
  return catalogue[rank] ?? random.pick(catalogue);
}

function changeMind(random: Random, order: Placed): void {
  const line = random.pick(order.lines);
  const choice = random.next();
  if (choice < 0.4 && !order.shipped) {
    order.shop.ship({ order_id: order.orderId });
    order.shipped = true;
    return;
  }
  if (choice < 0.65 && !order.shipped) {
    order.shop.cancel({ order_id: order.orderId, restock: true });
    order.ended = true;
    return;
  }
  if (choice < 0.85) {
    const restock = random.chance(0.6);
    order.shop.refund({ order_id: order.orderId, line_id: line.lineId, quantity: 1, restock });
    order.ended = true;
    return;
  }
  if (order.shipped || line.quantity < 2) return;
  line.quantity -= 1;
  order.shop.edit({ order_id: order.orderId, line_id: line.lineId, quantity: line.quantity });
  order.ended = true;
}
