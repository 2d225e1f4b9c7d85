import { describe, expect, type TestContext, test } from 'vitest';
import type { Delivery } from '../../src/channels/channel.ts';
import { type Bench, benches, calm, type MakeBench, need, onlyChannelError } from './bench.ts';

/** A queue that is pulled: nothing leaves it before it is on disk. */
export function queueSuite(make: MakeBench): void {
  describe('a queue', () => {
    const open = benches(make);

    test('hands over what came, each message once when it was taken', async (context) => {
      const bench = await filled(open, context);
      const first = await bench.deliveries();
      expect(first.length).toBeGreaterThan(0);
      expect(new Set(first.map((delivery) => delivery.key)).size).toBe(first.length);
      expect(await bench.deliveries()).toEqual([]);
      expect(bench.shop.pending()).toBe(0);
    });

    test('keeps what could not be put on disk, and hands it over again under the same key', async (context) => {
      const bench = await filled(open, context);
      const refused: Delivery[] = [];
      const ending = new AbortController();
      const fail = async (deliveries: Delivery[]) => {
        refused.push(...deliveries);
        throw new Error('the disk is full');
      };
      // Whether it gives up or goes on is the adapter's; what it must not do is forget.
      const listening = bench.channel.listen?.(fail, ending.signal).catch(() => undefined);
      await bench.eventually('something was handed over', () => (refused.length > 0 ? true : undefined));
      ending.abort();
      await listening;
      expect(bench.shop.pending()).toBeGreaterThan(0);
      const keys = (await bench.deliveries()).map((delivery) => delivery.key);
      expect(keys).toEqual(expect.arrayContaining(refused.map((delivery) => delivery.key)));
    });

    test('that is empty is waited at until the call is aborted', async (context) => {
      const bench = await filled(open, context);
      await bench.deliveries();
      const listening = bench.channel.listen?.(async () => undefined, AbortSignal.timeout(50));
      await listening?.catch(onlyChannelError);
      const late = bench.channel.listen?.(async () => undefined, AbortSignal.abort());
      await late?.catch(onlyChannelError);
    });

    test('under refused credentials says auth', async (context) => {
      const bench = await filled(open, context);
      bench.shop.fault({ name: 'auth', count: 1 });
      const error = await bench.channel
        .listen?.(async () => undefined, AbortSignal.timeout(2_000))
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: 'ChannelError', kind: 'auth' });
      bench.assertSecretFree(error);
    });
  });
}

/** A shop that has put one sale into its queue. */
async function filled(open: ReturnType<typeof benches>, context: TestContext): Promise<Bench> {
  const bench = await open();
  need(context, bench.channel.listen, 'the platform has no queue to pull');
  await bench.channel.webhooks?.ensure(bench.address, calm);
  await bench.deliveries();
  bench.sell(['SKU-001', 1]);
  await bench.settle();
  return bench;
}
