import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { HookRequest } from '../../src/channels/channel.ts';
import { ebay } from '../../src/channels/ebay/index.ts';
import { createEbayShop, type EbayShop } from '../../src/sandbox/ebay/index.ts';
import { benches, calm, inHeader, type Stand } from './bench.ts';
import { channelSuite } from './channel.ts';

const signature = inHeader('x-ebay-signature');
const salesOnly = 'only sales are told by the Notification API';

const standOf = (shop: EbayShop): Stand => {
  return {
    definition: ebay,
    shop,
    settle: shop.settle,
    tellsWantOfStock: true,
    signature,
    forgeries,
    keys: {
      webhook: { lacking: 'no secret signs: the public keys of eBay are fetched' },
      credential: 'refresh_token',
    },
    foreignFault: 'wrong_user',
    signing: { forged: ['bad_signature', 'wrong_kid', 'altered_body'], odd: ['compact_json', 'sha256'] },
    furnish: async () => ({ unwritable: ['AUCTION-1', 'WAREHOUSE-1'], ambiguous: ['DUP-1'] }),
    foreignWebhook: async (url) => shop.foreignWebhook(url),
    handshake: {
      answer({ query }, address) {
        const code = new URLSearchParams(query).get('challenge_code') ?? '';
        const text = `${code}${shop.credentials.verificationToken}${address}`;
        return JSON.stringify({ challengeResponse: createHash('sha256').update(text).digest('hex') });
      },
    },
    untold: {
      cancelled: salesOnly,
      refunded: salesOnly,
      'edited up': 'there are no edits',
      'edited down': 'there are no edits',
      shipped: salesOnly,
    },
  };
};

channelSuite('ebay', (options) => standOf(createEbayShop(options)));

describe('ebay beyond the suite', () => {
  let shop: EbayShop;
  const open = benches((options) => {
    shop = createEbayShop(options);
    return standOf(shop);
  });

  test('lines keep their keys when orders are invoiced together, and the old orders are missing', async () => {
    const bench = await open();
    await bench.subscribe();
    const sold = [bench.sell(['SKU-001', 2]), bench.sell(['SKU-005', 1])];
    const whole = shop.combine(sold.map(({ orderId }) => orderId));
    const { lines } = await bench.fetchOrder(whole);
    expect(lines.map(({ lineKey, taken }) => [lineKey, taken])).toEqual([
      [sold[0]?.lineIds[0], 2],
      [sold[1]?.lineIds[0], 1],
    ]);
    const old = await bench.channel.fetchOrders(
      sold.map(({ orderId }) => orderId),
      calm,
    );
    expect(old.map((found) => 'missing' in found)).toEqual([true, true]);
  });

  test('a new signing key is believed without a restart, and the one before goes on to be', async () => {
    const bench = await open();
    await bench.subscribe();
    bench.sell(['SKU-001', 1]);
    await bench.settle();
    shop.rotateKey();
    bench.sell(['SKU-001', 1]);
    const keys = (await bench.deliveries()).map(({ key }) => key);
    expect(new Set(keys).size).toBe(2);
    const kids = bench.listener.got.map((request) => headerOf(request)['kid']);
    expect(new Set(kids).size).toBe(2);
  });

  test('notifications by SOAP lead to the order, and those of another keyset are refused', async () => {
    const bench = await open();
    await bench.subscribe();
    bench.shop.fault({ name: 'soap' });
    const { orderId } = bench.sell(['SKU-001', 1]);
    await bench.settle();
    bench.shop.fault({ clear: true });
    const bySoap = () =>
      bench.listener.got.filter(({ headers }) => headers['content-type']?.startsWith('text/xml'));
    expect(bySoap().length).toBe(2);
    const hints: string[] = [];
    for (const request of bySoap()) {
      const verdict = await bench.receive(request);
      if (verdict.kind !== 'deliveries') throw new Error(`refused: ${JSON.stringify(verdict)}`);
      for (const delivery of verdict.deliveries) {
        const content = await bench.read(bench.channel.fieldsOf(delivery), 'delivered');
        // The signature covers a time only, so that nothing of the content is booked.
        expect(content.orders).toEqual([]);
        hints.push(...content.fetch);
      }
    }
    expect(new Set(hints)).toEqual(new Set([orderId]));
    bench.listener.clear();
    bench.shop.fault({ name: 'soap' });
    bench.shop.fault({ name: 'bad_soap_signature' });
    bench.sell(['SKU-001', 1]);
    await bench.settle();
    expect(bySoap().length).toBe(2);
    for (const request of bySoap()) expect((await bench.receive(request)).kind).toBe('refused');
  });
});

function headerOf(request: HookRequest): Record<string, string> {
  return JSON.parse(Buffer.from(signature.of(request), 'base64').toString('utf8'));
}

/** The header says by which key and digest: both must hold. */
function forgeries(request: HookRequest): Record<string, HookRequest> {
  const header = headerOf(request);
  const changed = (changes: Record<string, string>): HookRequest =>
    signature.replaced(request, Buffer.from(JSON.stringify({ ...header, ...changes })).toString('base64'));
  const text = Buffer.from(request.body).toString('utf8');
  return {
    'a key that does not exist': changed({ kid: '00000000-0000-4000-8000-000000000000' }),
    'a key id that is an address': changed({ kid: `../public_key/${header['kid']}` }),
    'no key at all': changed({ kid: '' }),
    'another digest': changed({ digest: header['digest'] === 'SHA1' ? 'SHA256' : 'SHA1' }),
    'a digest that is not in use': changed({ digest: 'MD5' }),
    'no algorithm': changed({ alg: 'none' }),
    'a part said again in the body': {
      ...request,
      body: Buffer.from(text.replace(/\}$/, ',"metadata":{"topic":"ORDER_CONFIRMATION"}}')),
    },
  };
}
