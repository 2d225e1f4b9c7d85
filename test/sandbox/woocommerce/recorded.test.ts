import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWooShop, type WooShop } from '../../../src/sandbox/woocommerce/index.ts';
import { type Answer, type Received, type Receiver, startReceiver } from '../../kit/shop-stage.ts';
import { type Call, oauthClient } from './client.ts';

/**
 * The calls made to a real WooCommerce 11.0.1, made again to the sandbox shop: same statuses, same stock, same
 * deliveries. What differs, and why:
 * - The shop is another host and the steps run at once: dates, links, slugs, order keys and delivery ids differ.
 *   Compared are their names and places, not their values.
 * - `meta_data[].id`, `total_sales` and `related_ids` are counted or drawn differently; `_wp_trash_meta_time` is a time.
 * - Recorded REST links say https (the recorder came in over TLS); the sandbox always names its home URL.
 * - The recorded webhooks are deleted and made by nobody in the steps; they are registered beforehand here.
 */

const shared = [process.env['INVSYNC_SHARED'], resolve(import.meta.dirname, '../../../../shared')]
  .filter((path) => path !== undefined)
  .find((path) => existsSync(join(path, 'fixtures/woocommerce/steps.jsonl')));

type Json = Record<string, unknown>;
interface RecordedCall {
  method: string;
  path: string;
  body: Json | null;
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: recorded answers have any shape
  response: any;
}
interface Step {
  step: number | string;
  title: string;
  rest?: RecordedCall[];
  deliveries?: number;
  status?: number;
  response?: Json;
}
interface RecordedDelivery {
  step: number;
  path: string;
  headers: Record<string, string>;
  body_base64: string;
}

function lines<T>(name: string): T[] {
  const text = readFileSync(join(shared ?? '', 'fixtures/woocommerce', name), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

const TOPICS = ['order.created', 'order.updated', 'product.updated'];
const SECRET = 'whsec_local_0123456789abcdef';

/** What must be the same of any answer: ids, states, units, never dates, links and random text. */
// biome-ignore lint/suspicious/noExplicitAny: answers have any shape
function essence(value: any): unknown {
  if (Array.isArray(value)) return value.map(essence);
  if (value === null || typeof value !== 'object') return value;
  const drop =
    /^(date_|_links$|order_key$|payment_url$|permalink|related_ids$|total_sales$|slug$|generated_slug$)/;
  const kept = Object.entries(value).filter(([key]) => !drop.test(key));
  return Object.fromEntries(
    kept.map(([key, inner]) => {
      if (key === 'meta_data' && Array.isArray(inner)) return [key, inner.map(withoutId)];
      if (key === 'delivery_url') return [key, String(inner).replace(/^http:\/\/[^/]+/, '')];
      return [key, essence(inner)];
    }),
  );
}

function withoutId(entry: Json): Json {
  const { id: _, ...rest } = entry;
  return entry['key'] === '_wp_trash_meta_time' ? { key: entry['key'] } : rest;
}

/** Names letter by letter, but for those three that our HTTP client writes by itself, in small letters. */
function asWritten(names: readonly string[]): string[] {
  return names
    .map((name) => name.replace(/^(Connection|Content-Length|Host)$/, (own) => own.toLowerCase()))
    .sort();
}

/** Every key path of a value, lists looked into by their first entry. */
function shape(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.length === 0 ? [path] : shape(value[0], `${path}[]`);
  if (value === null || typeof value !== 'object') return [path];
  return Object.entries(value).flatMap(([key, inner]) => shape(inner, `${path}.${key}`));
}

describe.skipIf(shared === undefined)('a recorded shop, replayed (needs the shared material)', () => {
  const steps = shared === undefined ? [] : lines<Step>('steps.jsonl');
  const recorded = shared === undefined ? [] : lines<RecordedDelivery>('deliveries.jsonl');
  const played: { step: Step; answers: Answer[]; delivered: Received[] }[] = [];
  let shop: WooShop;
  let listener: Receiver;
  let call: Call;

  beforeAll(async () => {
    listener = await startReceiver('');
    const numbers = Array.from({ length: 20 }, (_, index) => index + 1);
    const sizes = ['S', 'M', 'L', 'XL'].map((size) => `TSHIRT-${size}`);
    shop = createWooShop({
      name: 'recorded',
      seed: 1,
      timeScale: 1,
      port: 0,
      firstId: 11,
      catalogue: [
        ...numbers.map((n) => ({
          sku: `SKU-${String(n).padStart(3, '0')}`,
          title: `Test product ${n}`,
          stock: 10 * n,
        })),
        ...sizes.map((sku) => ({ sku, title: sku, stock: 25 })),
      ],
      variables: [{ sku: 'TSHIRT', title: 'Tişört (variable)', of: sizes }],
    });
    await shop.start();
    const config = shop.channelConfig();
    const credentials = { key: String(config['consumer_key']), secret: String(config['consumer_secret']) };
    call = oauthClient(shop.url, credentials);
    // The recorded webhooks bear 3, 4 and 5.
    for (const topic of ['order.deleted', 'order.deleted', ...TOPICS]) {
      const made = await call('POST', '/webhooks', {
        topic,
        secret: SECRET,
        delivery_url: `${listener.url}/hooks/woo/${topic}`,
      });
      if (!TOPICS.includes(topic)) await call('DELETE', `/webhooks/${made.json.id}?force=true`);
    }
    listener.got.length = 0;
    for (const step of steps) {
      const answers: Answer[] = [];
      for (const { method, path, body } of step.rest ?? []) {
        const sent = body === null ? undefined : replaced(body);
        answers.push(await call(method, path.replace('/wp-json/wc/v3', ''), sent));
      }
      await shop.runQueue();
      played.push({ step, answers, delivered: listener.got.splice(0) });
    }
  });

  function replaced(body: Json): Json {
    const url = body['delivery_url'];
    return typeof url === 'string'
      ? { ...body, delivery_url: url.replace('http://127.0.0.1:8787', listener.url) }
      : body;
  }

  afterAll(async () => {
    await shop.stop();
    await listener.stop();
  });

  test('answers every call with the recorded status', () => {
    const ours = played.map(({ answers }) => answers.map((answer) => answer.status));
    expect(ours).toEqual(steps.map((step) => (step.rest ?? []).map((one) => one.status)));
  });

  test('answers every call with the recorded ids, states, SKUs, units and error objects', () => {
    for (const { step, answers } of played) {
      for (const [index, one] of (step.rest ?? []).entries()) {
        const where = `step ${step.step}: ${one.method} ${one.path}`;
        expect(essence(answers[index]?.json), where).toEqual(essence(one.response));
      }
    }
  });

  test('answers with exactly the keys of the recorded answers', () => {
    for (const { step, answers } of played) {
      for (const [index, one] of (step.rest ?? []).entries()) {
        const where = `step ${step.step}: ${one.method} ${one.path}`;
        expect(shape(answers[index]?.json).sort(), where).toEqual(shape(one.response).sort());
      }
    }
  });

  test('delivers as often as recorded, in the recorded order, of the recorded resources', () => {
    const summary = (path: string, id: Received['headers'][string], body: string) => {
      const parsed = body.startsWith('{') ? JSON.parse(body) : body;
      return [
        path,
        id,
        parsed.id ?? parsed.code ?? parsed,
        parsed.status,
        parsed.stock_quantity,
        parsed.type,
      ];
    };
    for (const { step, delivered } of played) {
      const theirs = recorded.filter((delivery) => delivery.step === step.step);
      expect(
        delivered.map((one) => summary(one.url, one.headers['x-wc-webhook-id'], one.text)),
        `step ${step.step}`,
      ).toEqual(
        theirs.map((one) =>
          summary(
            one.path,
            one.headers['X-WC-Webhook-ID'],
            Buffer.from(one.body_base64, 'base64').toString(),
          ),
        ),
      );
    }
  });

  test('delivers bodies with exactly the recorded keys, escaped the recorded way', () => {
    for (const { step, delivered } of played) {
      const theirs = recorded.filter((delivery) => delivery.step === step.step);
      for (const [index, one] of delivered.entries()) {
        const body = Buffer.from(theirs[index]?.body_base64 ?? '', 'base64').toString();
        if (!body.startsWith('{')) continue;
        expect(shape(JSON.parse(one.text)), `step ${step.step} #${index}`).toEqual(shape(JSON.parse(body)));
        expect(essence(JSON.parse(one.text)), `step ${step.step} #${index}`).toEqual(
          essence(JSON.parse(body)),
        );
      }
    }
    const note = recorded.find((delivery) => delivery.step === 24);
    const raw = Buffer.from(note?.body_base64 ?? '', 'base64').toString();
    const text = /"customer_note":"(?:[^"\\]|\\.)*"/.exec(raw)?.[0] ?? 'none';
    expect(played.find(({ step }) => step.step === 24)?.delivered[0]?.text).toContain(text);
  });

  test('sends the recorded headers, and a signature over the raw body', () => {
    for (const { step, delivered } of played) {
      const theirs = recorded.filter((delivery) => delivery.step === step.step);
      for (const [index, one] of delivered.entries()) {
        const names = Object.keys(theirs[index]?.headers ?? {});
        expect(asWritten(one.rawNames), `step ${step.step} #${index}`).toEqual(asWritten(names));
        const signature = one.headers['x-wc-webhook-signature'];
        if (signature === undefined) continue;
        expect(createHmac('sha256', SECRET).update(one.body).digest('base64')).toBe(signature);
        expect(one.headers['x-wc-webhook-source']).toBe(`${shop.url}/`);
      }
    }
  });

  test('ends with the recorded stock and the recorded units taken per line', () => {
    const records = shop.records();
    const end = steps.find((step) => step.step === 27)?.rest ?? [];
    const shown = Object.fromEntries(records.listings.map((listing) => [listing.sku, listing.shown]));
    for (const product of [...(end[1]?.response ?? []), ...(end[2]?.response ?? [])]) {
      if (product.type !== 'variable') expect(shown[product.sku], product.sku).toBe(product.stock_quantity);
    }
    for (const order of end[0]?.response ?? []) {
      const ours = records.orders.find((candidate) => candidate.order_id === String(order.id));
      for (const line of order.line_items) {
        const meta = line.meta_data.find((entry: Json) => entry['key'] === '_reduced_stock');
        // The one product whose stock is not managed counts by status.
        const taken = line.sku === 'SKU-020' ? line.quantity : Number(meta?.value ?? 0);
        const found = ours?.lines.find((candidate) => candidate.line_id === String(line.id));
        expect(found?.taken, `${order.id}/${line.id}`).toBe(taken);
      }
    }
    const kept = records.orders.filter((order) => order.status === 'trash' || order.status === 'deleted');
    expect(kept.map((order) => [order.order_id, order.lines[0]?.taken])).toEqual([
      ['46', 2],
      ['47', 2],
      ['51', 1],
    ]);
  });

  test('refuses an unknown key with the recorded words', async () => {
    const step = steps.find((candidate) => candidate.step === 'auth');
    const nobody = await fetch(`${shop.url}/wp-json/wc/v3/orders`);
    expect(nobody.status).toBe(step?.status);
    expect(await nobody.json()).toEqual(step?.response);
  });
});
