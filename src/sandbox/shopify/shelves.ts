import { levelBody, levelIdsBody, productBody } from './bodies.ts';
import type { Floor } from './floor.ts';
import { wholeSeconds } from './moment.ts';
import { type InventoryItem, type Level, levelAt, move, type Variant } from './state.ts';

/** What levels show, and who hears of it. */
export class Shelves {
  readonly #floor: Floor;

  constructor(floor: Floor) {
    this.#floor = floor;
  }

  /** Tells the world what these levels are now. */
  changed(levels: Iterable<Level>, eventId = this.#floor.webhooks.newEventId()) {
    const { webhooks } = this.#floor;
    const products = new Set<Variant['product']>();
    for (const level of new Set(levels)) {
      const subject = String(level.item.id);
      const body = () => levelBody(level);
      webhooks.publish({ topic: 'INVENTORY_LEVELS_UPDATE', eventId, subject, late: true, body });
      for (const { product } of level.item.variants) products.add(product);
    }
    // SHP-2.1: `products/update` also fires on changes of stock. It is a firehose (9.6).
    for (const product of products) {
      product.updatedAt = wholeSeconds(Date.now());
      const body = () => productBody(product);
      webhooks.publish({ topic: 'PRODUCTS_UPDATE', eventId, subject: String(product.id), body });
    }
  }

  /** A level comes or goes. */
  publish(topic: 'INVENTORY_LEVELS_CONNECT' | 'INVENTORY_LEVELS_DISCONNECT', level: Level) {
    const { webhooks } = this.#floor;
    const eventId = webhooks.newEventId();
    webhooks.publish({ topic, eventId, subject: String(level.item.id), body: () => levelIdsBody(level) });
  }

  /** By the merchant's hand. */
  setAvailable(level: Level, quantity: number) {
    move(level, 'available', quantity - level.quantities.available, Date.now());
    this.changed([level]);
  }

  /** A draft order that reserves: available falls, and no order topic fires (SHP-6). */
  reserveDraft(item: InventoryItem, quantity: number) {
    const level = levelAt(item, this.#floor.state.main);
    if (level === undefined) return;
    const now = Date.now();
    move(level, 'available', -quantity, now);
    move(level, 'reserved', quantity, now);
    this.changed([level]);
  }
}
