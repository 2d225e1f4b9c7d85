import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Channel } from '../../src/channels/channel.ts';
import { ChannelError } from '../../src/channels/errors.ts';
import { keysOf } from '../../src/config/keys.ts';
import { type Bench, benches, calm, listingsOf, type MakeBench, need } from './bench.ts';

/** The account behind the credentials, the check, the declared abilities, and how calls end. */
export function accountSuite(make: MakeBench): void {
  describe('the account', () => {
    const open = benches(make);

    test('has one identity, whichever channel object asks', async () => {
      const bench = await open();
      const first = await bench.channel.identity(calm);
      expect(first.accountId).not.toBe('');
      expect(first.title).not.toBe('');
      expect(await bench.channel.identity(calm)).toEqual(first);
      expect(await bench.open().identity(calm)).toEqual(first);
    });

    test('is another one in another shop', async () => {
      const [one, other] = [await open(), await open(12, 12)];
      const ids = [await one.channel.identity(calm), await other.channel.identity(calm)];
      expect(ids[0]?.accountId).not.toBe(ids[1]?.accountId);
    });

    test('passes its check when the shop is well, each finding with a name and what to do', async () => {
      const bench = await open();
      const items = await bench.channel.check(calm);
      expect(items.length).toBeGreaterThan(0);
      expect(items.filter((item) => item.level === 'fail')).toEqual([]);
      for (const item of items) {
        expect(item.name).not.toBe('');
        expect(item.detail).not.toBe('');
        expect(item.remedy === '').toBe(item.level === 'ok');
      }
      bench.assertSecretFree(items);
    });

    test('with wrong credentials fails its check or the call, as auth, with a remedy and without the secret', async (context) => {
      const bench = await open();
      const key = need(context, bench.keys.credential, 'the platform knows no credentials');
      const wrong = `${String(bench.own[key])}-wrong`;
      const channel = bench.open({ [key]: wrong });
      const identity = await failureOf(() => channel.readStock([], calm).then(() => listingsOf(channel)));
      expect(identity).toMatchObject({ kind: 'auth' });
      expect(identity.hint).not.toBe('');
      const items = await channel.check(calm).catch((error: unknown) => {
        expect(error).toMatchObject({ kind: 'auth' });
        return [];
      });
      const said = [...items, identity];
      if (items.length > 0)
        expect(items.some((item) => item.level === 'fail' && item.remedy !== '')).toBe(true);
      bench.assertSecretFree(
        said.map((each) => (each instanceof Error ? `${each.message} ${each.hint}` : each)),
      );
      expect(JSON.stringify(said)).not.toContain(wrong);
      expect(identity.message).not.toContain(wrong);
    });

    test.each(['error_500', 'throttle', 'timeout', 'auth'])(
      'under the fault %s throws nothing but ChannelError',
      async (name) => {
        const bench = await open();
        for (const [call, run] of await calls(bench)) {
          bench.shop.fault({ name, count: 1 });
          const error = await failureOf(() => run(bench.open(), calm)).catch((unfailed: unknown) => unfailed);
          bench.shop.fault({ clear: true });
          if (!(error instanceof ChannelError)) continue;
          const kinds = { auth: ['auth'], throttle: ['throttled'] }[name] ?? ['retry', 'unknown'];
          expect.soft(kinds, `${call}: ${error.message}`).toContain(error.kind);
          bench.assertSecretFree(error);
          if (error.kind === 'throttled') expect(error.afterMs).toBeGreaterThan(0);
        }
      },
    );
  });

  describe('the declared abilities', () => {
    const open = benches(make);

    test('and the methods tell the same story', async () => {
      const { channel, definition } = await open();
      const { capabilities } = channel;
      expect(capabilities).toEqual(definition.capabilities);
      expect(channel.hold !== undefined).toBe(capabilities.hold);
      expect(channel.cancel !== undefined).toBe(capabilities.cancel);
      expect(channel.webhooks !== undefined).toBe(capabilities.webhooks);
    });

    test('are sound numbers', async () => {
      const { capabilities: can } = (await open()).channel;
      const atLeastZero = z.int().min(0);
      for (const ms of [
        can.indexLagMs,
        can.settleMs,
        can.maxExecutionMs,
        can.clockMarginMs,
        can.webhookRetryMs,
      ]) {
        expect(atLeastZero.safeParse(ms).success).toBe(true);
      }
      expect(atLeastZero.nullable().safeParse(can.orderLagMs).success).toBe(true);
      expect(can.batchSize).toBeGreaterThanOrEqual(1);
      expect(can.writeConcurrency).toBeGreaterThanOrEqual(1);
      expect(can.pollMinMs).toBeLessThanOrEqual(can.pollOnlyMs);
      expect(can.pollOnlyMs).toBeLessThanOrEqual(can.pollDefaultMs);
      expect(z.int().min(1).safeParse(can.maxQuantity).success).toBe(true);
      if (can.webhooks) expect(can.webhookTimeoutMs).toBeGreaterThan(0);
    });

    test('come with a configuration whose keys are explained, whose secrets are marked, and that takes no others', async () => {
      const { definition, own, keys } = await open();
      const known = keysOf(definition.config);
      expect(known.filter((key) => key.help === '')).toEqual([]);
      for (const name of [keys.webhook, keys.credential]) {
        if (typeof name === 'string') expect(known.find((key) => key.name === name)?.secret).toBe(true);
      }
      expect(definition.config.safeParse(own).success).toBe(true);
      expect(definition.config.safeParse({ ...own, no_such_key: 1 }).success).toBe(false);
      expect(definition.grade.note).not.toBe('');
    });
  });

  describe('a call', () => {
    const open = benches(make);

    test('that was aborted before it began ends at once with ChannelError, and nothing is written', async () => {
      const bench = await open();
      const line = await bench.line('SKU-001', 3, 10);
      for (const [name, run] of await calls(bench)) {
        const error = await failureOf(() => run(bench.channel, AbortSignal.abort()));
        expect.soft(error, name).toBeInstanceOf(ChannelError);
      }
      const [outcome] = await bench.channel.setStock([line], AbortSignal.abort());
      expect(['retry', 'unknown']).toContain(outcome?.kind);
      expect(bench.shown('SKU-001')).toBe(10);
    });

    test('that is aborted while the platform is silent ends with ChannelError', async () => {
      const bench = await open();
      const line = await bench.line('SKU-001', 3, 10);
      bench.shop.fault({ name: 'slow', ms: 600_000 });
      await Promise.all(
        (await calls(bench)).map(async ([name, run]) => {
          const error = await failureOf(() => run(bench.channel, AbortSignal.timeout(50)));
          expect.soft(error, name).toBeInstanceOf(ChannelError);
        }),
      );
      const [outcome] = await bench.channel.setStock([line], AbortSignal.timeout(50));
      expect(['retry', 'unknown']).toContain(outcome?.kind);
    });

    test('may leave a list after its first page', async () => {
      const bench = await open(130);
      for await (const page of bench.channel.listListings(calm)) {
        expect(page.listings.length).toBeGreaterThan(0);
        break;
      }
      expect((await bench.listings()).length).toBeGreaterThanOrEqual(130);
    });

    test('after close fails with nothing but ChannelError; closing twice is harmless', async () => {
      const bench = await open();
      const channel = bench.open();
      await channel.identity(calm);
      await channel.close();
      await channel.close();
      const error = await channel.identity(calm).catch((thrown: unknown) => thrown);
      if (error instanceof Error) expect(error).toBeInstanceOf(ChannelError);
    });
  });
}

type Run = (channel: Channel, signal: AbortSignal) => Promise<unknown>;

/** Every network method that throws, by name. Listing and order are real ones: what has no sound form is not asked for. */
async function calls(bench: Bench): Promise<[string, Run][]> {
  const { webhooks } = bench.channel;
  const { orderId } = bench.sell(['SKU-003', 1]);
  const listing = await bench.listing('SKU-001');
  const all: [string, Run][] = [
    ['identity', (channel, signal) => channel.identity(signal)],
    ['listListings', async (channel, signal) => drain(channel.listListings(signal))],
    ['readStock', (channel, signal) => channel.readStock([listing], signal)],
    ['ordersSince', async (channel, signal) => drain(channel.ordersSince(Date.now(), signal))],
    ['ordersCreatedSince', async (channel, signal) => drain(channel.ordersCreatedSince(Date.now(), signal))],
    ['fetchOrders', (channel, signal) => channel.fetchOrders([orderId], signal)],
  ];
  if (bench.channel.openOrders !== undefined) {
    all.push(['openOrders', async (channel, signal) => drain(channel.openOrders?.(signal) ?? nothing())]);
  }
  if (webhooks !== undefined) {
    all.push(
      ['webhooks.list', async (channel, signal) => channel.webhooks?.list(signal)],
      ['webhooks.ensure', async (channel, signal) => channel.webhooks?.ensure(bench.address, signal)],
      ['webhooks.remove', async (channel, signal) => channel.webhooks?.remove(signal)],
    );
  }
  return all;
}

async function* nothing(): AsyncGenerator<never> {}

async function drain(pages: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of pages);
}

/** The ChannelError of a call; throws when the call goes well or throws something else. */
async function failureOf(run: () => Promise<unknown>): Promise<ChannelError> {
  try {
    await run();
  } catch (error) {
    if (error instanceof ChannelError) return error;
    throw new Error(`not a ChannelError: ${String(error)}`, { cause: error });
  }
  throw new Error('the call did not fail');
}
