import { afterEach, beforeEach, describe } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { accountPromises } from './store/accounts.ts';
import { channelPromises } from './store/channels.ts';
import { doubtPromises } from './store/doubts.ts';
import { dutyPromises } from './store/duties.ts';
import { inboxPromises } from './store/inbox.ts';
import { type Kit, kitOn, type StoreBench } from './store/kit.ts';
import { listingPromises } from './store/listings.ts';
import { orderPromises } from './store/orders.ts';
import { outboxPromises } from './store/outbox.ts';
import { reservationPromises } from './store/reservations.ts';
import { sharedPromises } from './store/shared.ts';
import { stockPromises } from './store/stock.ts';

/** What a group of promises works with: a fresh store per test, and the bench it lives on. */
export interface StoreCase {
  kit(): Kit;
  /** The kit with a channel `shop`, which lists these SKUs. */
  shop(...skus: string[]): Promise<{ kit: Kit; channel: number }>;
  /** Another instance on the same data, closed at the end of the test. */
  another(): Promise<Store>;
  bench(): StoreBench;
}

/** The store conformance suite: what `src/store/store.ts` promises, asked of one kind of store. */
export function storeSuite(name: string, prepare: () => Promise<StoreBench>): void {
  describe(`store: ${name}`, () => {
    let bench: StoreBench;
    let kit: Kit;
    let opened: Store[] = [];
    beforeEach(async () => {
      bench = await prepare();
      const store = await bench.open();
      opened = [store];
      kit = kitOn(store);
    });
    afterEach(async () => {
      for (const store of opened) await store.close();
      await bench.remove();
    });
    const each: StoreCase = {
      kit: () => kit,
      async shop(...skus) {
        const channel = await kit.channel('shop');
        for (const sku of skus) await kit.listing(channel, sku);
        return { kit, channel };
      },
      bench: () => bench,
      another: async () => {
        const store = await bench.open();
        opened.push(store);
        return store;
      },
    };
    channelPromises(each);
    accountPromises(each);
    inboxPromises(each);
    orderPromises(each);
    stockPromises(each);
    doubtPromises(each);
    listingPromises(each);
    outboxPromises(each);
    reservationPromises(each);
    dutyPromises(each);
    sharedPromises(each);
  });
}
