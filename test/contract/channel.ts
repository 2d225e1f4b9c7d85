import { describe } from 'vitest';
import { accountSuite } from './account.ts';
import { actionSuite } from './actions.ts';
import type { MakeBench } from './bench.ts';
import { deliverySuite } from './deliveries.ts';
import { listingSuite } from './listings.ts';
import { orderSuite } from './orders.ts';
import { pushSuite } from './pushes.ts';
import { queueSuite } from './queue.ts';
import { readingSuite } from './readings.ts';
import { webhookSuite } from './webhooks.ts';

/**
 * What every channel must do, whatever its platform: the contract of `src/channels/channel.ts` as tests, run over HTTP
 * against the platform's sandbox shop. What a platform does not offer is skipped and the reason stands in the report.
 * A new channel brings a `Stand` (see `bench.ts`) and calls this once.
 */
export function channelSuite(name: string, make: MakeBench): void {
  describe(`${name} keeps the contract of a channel`, () => {
    accountSuite(make);
    listingSuite(make);
    readingSuite(make);
    pushSuite(make);
    orderSuite(make);
    deliverySuite(make);
    queueSuite(make);
    webhookSuite(make);
    actionSuite(make);
  });
}
