import { randomBytes } from 'node:crypto';
import { afterEach, type TestContext } from 'vitest';
import type {
  Channel,
  ChannelDefinition,
  Delivery,
  DeliveryContent,
  FactsOf,
  HookRequest,
  Json,
  Listing,
  ListingRef,
  Obtaining,
  OrderPage,
  PushLine,
  Webhooks,
} from '../../src/channels/channel.ts';
import { ChannelError } from '../../src/channels/errors.ts';
import { systemClock } from '../../src/clock.ts';
import { isSecretKey, keysOf } from '../../src/config/keys.ts';
import { silentLog } from '../../src/log.ts';
import type { CatalogueItem, Shop, ShopOptions } from '../../src/sandbox/shop.ts';
import type { OrderSnapshot } from '../../src/stock/order.ts';
import { type Listener, startListener } from './listener.ts';
import { receiveWhole, type Verdict } from './verdict.ts';

/** SKUs that a shop offers beside its catalogue, for what not every shop has. */
export interface Oddities {
  /** Listed, but their number may not be written. */
  unwritable?: string[];
  /** Carried by more than one listing. */
  ambiguous?: string[];
  /** Listings that show one and the same number. */
  shared?: string[];
}

/** What a platform has not, in words for the report of what is skipped. */
export interface Lacking {
  lacking: string;
}

/** Where a delivery carries its signature. */
export interface SignaturePlace {
  /** Throws when there is none. */
  of(request: HookRequest): string;
  /** The same call with another signature; null: with none at all. */
  replaced(request: HookRequest, signature: string | null): HookRequest;
}

/** What shopper or merchant may do to an order. */
export type ActKind = 'cancelled' | 'refunded' | 'edited up' | 'edited down' | 'shipped';

/** Refunds of a kind: nothing comes back but money, or goods that had been shipped come back. */
export type RefundKind = 'money only' | 'sent back';

/** What a channel's test brings: the adapter, a shop that it talks to, and what only that platform knows. */
export interface Stand {
  definition: ChannelDefinition;
  /** Not started yet. */
  shop: Shop;
  /** Runs what the platform owes (deliveries with their retries, jobs) until nothing is left. */
  settle(): Promise<void>;
  /** Mostly `inHeader(name)`. */
  signature: SignaturePlace;
  /**
   * Not the bytes of the body are signed but what its fields say, so that white space around them forges nothing: why.
   * Platforms of this kind bring `forgeries`.
   */
  signsFields?: string;
  /** The signature does not cover the body at all: why. Deliveries may only say then what to fetch. */
  unsignedBody?: string;
  /** Ways to forge a sound call that only this platform knows, by name; each must be refused. */
  forgeries?(request: HookRequest): Record<string, HookRequest>;
  /** Keys of the configuration: what signs deliveries, and what proves requests (null: nothing does). */
  keys: { webhook: string | Lacking; credential: string | null };
  /** The shop's fault under which a soundly signed delivery names another shop; null: deliveries name no shop. */
  foreignFault: string | Lacking | null;
  /** Makes the oddities, once the shop runs. */
  furnish?(): Promise<Oddities>;
  /** Registers a webhook of somebody else, at this address. */
  foreignWebhook?(url: string): Promise<void>;
  /** How a trial of an address must be answered (default: by nothing). `by`: a trial that the shop makes not by itself. */
  handshake?: {
    answer: string | ((request: HookRequest, address: string) => string);
    by?: { method: string; query: string };
  };
  /** Makes a platform that fills a queue call this address as well; resolves when it does. */
  callAlso?(url: string): Promise<void>;
  /** Where registering is done by hand: does at the platform what `ensure` and `remove` ask people for (null: no address). */
  byHand?(url: string | null): void;
  /** A cancel without restock is the seller's, for want of stock, and the platform tells so. */
  tellsWantOfStock?: true;
  /** The platform never gives an address up, however often it refuses: why. */
  neverGivesUp?: string;
  /** The delivery as one of another topic, where the topic does not stand in `kind` alone. */
  withTopic?(delivery: Delivery, topic: string): Delivery;
  /**
   * Faults of the shop under which it signs badly (default `bad_signature`; each call must be refused), and those under
   * which its calls only look odd (each must be believed).
   */
  signing?: { forged?: string[]; odd?: string[] };
  /**
   * What the platform tells nobody by itself, and why: lists and fetches alone show it. All else must be told. Of refunds
   * some may be told and others not.
   */
  untold?: Partial<Record<ActKind | RefundKind, string>>;
  /** One act may be told step by step (asked for, then done): why. Only the newest of its deliveries shows its end. */
  tellsSteps?: string;
  /** Deliveries tell times by another clock than lists and fetches do, or not as exactly: which. */
  deliveryClock?: string;
}

/** A signature that is the value of a header, named in lower case. */
export function inHeader(name: string): SignaturePlace {
  return {
    of({ headers }) {
      const signature = headers[name];
      if (signature === undefined) throw new Error(`no header ${name}`);
      return signature;
    },
    replaced(request, signature) {
      const { [name]: _, ...headers } = request.headers;
      return { ...request, headers: signature === null ? headers : { ...headers, [name]: signature } };
    },
  };
}

/** Builds the stand of one channel over a shop with these options. */
export type MakeBench = (options: ShopOptions) => Stand;

/** A page of orders that were read, as snapshots, with the clock that the last page told. */
export interface Walked {
  snapshots: OrderSnapshot[];
  pages: OrderPage[];
  channelClock: number;
}

/** A running shop with a channel at it, and the ways to look at both. */
export interface Bench extends Stand {
  channel: Channel;
  listener: Listener;
  catalogue: CatalogueItem[];
  /** Another channel object on the same shop; `changes` replace keys of its configuration. */
  open(changes?: Record<string, unknown>): Channel;
  /** The configuration that the shop hands out, without the keys that all channels share. */
  own: Record<string, unknown>;
  listings(): Promise<Listing[]>;
  listing(sku: string): Promise<Listing>;
  facts(): Promise<FactsOf>;
  /** A line that sets a SKU from `base` to `quantity`. */
  line(sku: string, quantity: number, base: number | null): Promise<PushLine>;
  /** What the shop itself shows of a SKU. */
  shown(sku: string): number | null;
  sell(...lines: [sku: string, quantity: number][]): Sold;
  /** What registering gets: the listener's address, or nothing where the platform needs none. */
  address: string;
  /** Registers at that address, and forgets how the platform tried it. */
  subscribe(): Promise<void>;
  /** What the channel decides about a call, once it has loaded the keys that it asks for. */
  receive(request: HookRequest, at?: Channel): Promise<Verdict>;
  /**
   * What the platform told, settled and authenticated: the calls that the listener took since the last
   * `listener.clear()`, and what waited in a queue, which is empty afterwards.
   */
  deliveries(): Promise<Delivery[]>;
  /** Turns content into snapshots, fetching by id what it asks for. */
  resolve(content: DeliveryContent): Promise<OrderSnapshot[]>;
  read(fields: Json, obtained: Obtaining['obtained']): Promise<DeliveryContent>;
  walk(pages: AsyncIterable<OrderPage>): Promise<Walked>;
  fetchOrder(orderId: string): Promise<OrderSnapshot>;
  /** Waits, by driving the shop, until `look` finds something. */
  eventually<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T>;
  /** Throws when a text or value shows a secret of the configuration. */
  assertSecretFree(value: unknown): void;
  close(): Promise<void>;
}

/** An order that the shop sold. */
export interface Sold {
  orderId: string;
  lineIds: string[];
  skus: string[];
}

export const timeScale = 60;
export const calm = new AbortController().signal;

/** Platform durations are divided by the shop's time scale, and so are the adapter's waits for them. */
const benchClock = {
  now: systemClock.now,
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.ceil(ms / timeScale), signal),
};

const patienceMs = 10_000;

/** Starts the shop and opens a channel at it. `items`: so many SKUs of 10 pieces each. */
export async function openBench(make: MakeBench, items = 12, seed = 11): Promise<Bench> {
  const catalogue = Array.from({ length: items }, (_, index) => ({
    sku: `SKU-${String(index + 1).padStart(3, '0')}`,
    title: `Thing ${index + 1}`,
    stock: 10,
  }));
  const stand = make({ name: 'bench', seed, timeScale, catalogue, port: 0 });
  const { definition, shop } = stand;
  await shop.start();
  const { type: _, mode: __, base_url: baseUrl, ...own } = shop.channelConfig();
  const listener = await startListener('bench');
  const channels: Channel[] = [];
  const vault = new Map<string, string>();
  let known: Listing[] | null = null;

  const open = (changes: Record<string, unknown> = {}): Channel => {
    const channel = definition.create(definition.config.parse({ ...own, ...changes }), {
      name: 'bench',
      clock: benchClock,
      log: silentLog,
      randomHex: (bytes) => randomBytes(bytes).toString('hex'),
      publicUrl: null,
      baseUrl: typeof baseUrl === 'string' ? baseUrl : null,
      timeoutMs: 20_000,
      vault: {
        get: async (key) => vault.get(key) ?? null,
        set: async (key, value) => void vault.set(key, value),
      },
    });
    channels.push(channel);
    return withPerson(channel, stand);
  };
  const channel = open();
  const secrets = secretsIn(definition, own);
  listener.trial = async (request) => {
    const verdict = await receiveWhole(channel, request);
    return verdict.kind === 'handshake' ? verdict : null;
  };

  const bench: Bench = {
    ...stand,
    channel,
    listener,
    catalogue,
    own,
    open,
    async listings() {
      known ??= await listingsOf(channel);
      return known;
    },
    async listing(sku) {
      const found = (await bench.listings()).find((each) => each.channelSku === sku);
      if (found === undefined) throw new Error(`the channel lists no ${sku}`);
      return found;
    },
    async facts() {
      const byRef = new Map<string, ListingRef>();
      for (const listing of await bench.listings()) {
        for (const ref of [listing.listingId, ...listing.aliases]) byRef.set(ref, listing);
      }
      return (ref) => byRef.get(ref);
    },
    async line(sku, quantity, base) {
      return { ...(await bench.listing(sku)), quantity, base, key: randomBytes(16).toString('hex') };
    },
    shown: (sku) => shop.records().listings.find((each) => each.sku === sku)?.shown ?? null,
    sell(...lines) {
      const sold = shop.sell({ lines: lines.map(([sku, quantity]) => ({ sku, quantity })) });
      if (!sold.sold) throw new Error(`not sold: ${sold.reason}`);
      return {
        orderId: sold.order_id,
        lineIds: sold.lines.map((line) => line.line_id),
        skus: sold.lines.map((line) => line.sku),
      };
    },
    address: channel.webhooks?.needsUrl === false ? '' : listener.url,
    async subscribe() {
      await channel.webhooks?.ensure(bench.address, calm);
      await stand.callAlso?.(listener.url);
      listener.clear();
    },
    receive: (request, at = channel) => receiveWhole(at, request),
    async deliveries() {
      await stand.settle();
      const verdicts = await Promise.all(listener.got.map((request) => bench.receive(request)));
      const told = verdicts.flatMap((verdict) => (verdict.kind === 'deliveries' ? verdict.deliveries : []));
      return channel.listen === undefined ? told : [...told, ...(await drainQueue(bench))];
    },
    async resolve(content) {
      if (content.fetch.length === 0) return content.orders;
      const fetched = await channel.fetchOrders(content.fetch, calm);
      const snapshots = content.orders.filter((order) => !content.fetch.includes(order.orderId));
      for (const each of fetched) {
        if ('missing' in each) continue;
        const said = channel.ordersIn(each.item, await bench.facts(), howOf(each, 'fetched'));
        snapshots.push(...said.orders);
      }
      return snapshots;
    },
    async read(fields, obtained) {
      const now = Date.now();
      return channel.ordersIn(
        fields,
        await bench.facts(),
        howOf({ askedAt: now, answeredAt: now }, obtained),
      );
    },
    async walk(pages) {
      const walked: Walked = { snapshots: [], pages: [], channelClock: Number.NaN };
      for await (const page of pages) {
        walked.pages.push(page);
        for (const item of page.items) {
          const content = channel.ordersIn(item, await bench.facts(), howOf(page, 'listed'));
          walked.snapshots.push(...(await bench.resolve(content)));
        }
        if (page.end !== null) walked.channelClock = page.end.channelClock;
      }
      return walked;
    },
    async fetchOrder(orderId) {
      const [found] = await channel.fetchOrders([orderId], calm);
      if (found === undefined || 'missing' in found) throw new Error(`no order ${orderId}`);
      const content = channel.ordersIn(found.item, await bench.facts(), howOf(found, 'fetched'));
      const [snapshot] = content.orders;
      if (snapshot === undefined) throw new Error(`order ${orderId} says nothing`);
      return snapshot;
    },
    async eventually(what, look) {
      const until = Date.now() + patienceMs;
      for (;;) {
        const found = await look();
        if (found !== undefined) return found;
        if (Date.now() > until) throw new Error(`never happened: ${what}`);
        await stand.settle();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    assertSecretFree(value) {
      const text = textOf(value);
      for (const secret of secrets) {
        if (text.includes(secret)) throw new Error(`a secret shows in: ${text.replaceAll(secret, '[it]')}`);
      }
    },
    async close() {
      await Promise.all(channels.map((each) => each.close()));
      await shop.stop();
      await listener.stop();
    },
  };
  return bench;
}

/** The channel with a person beside it, who does by hand what it asks for. */
function withPerson(channel: Channel, { byHand }: Stand): Channel {
  const { webhooks } = channel;
  if (webhooks === undefined || byHand === undefined) return channel;
  const attended: Webhooks = {
    ...webhooks,
    async ensure(url, signal) {
      const report = await webhooks.ensure(url, signal);
      if (report.changes.length > 0) byHand(url);
      return report;
    },
    async remove(signal) {
      const changes = await webhooks.remove(signal);
      if (changes.length > 0) byHand(null);
      return changes;
    },
  };
  return { ...channel, webhooks: attended };
}

/** Everything that waits in the platform's queue, taken for good. */
async function drainQueue(bench: Bench): Promise<Delivery[]> {
  const taken: Delivery[] = [];
  const ending = new AbortController();
  const listening = bench.channel.listen?.(
    async (deliveries) => void taken.push(...deliveries),
    ending.signal,
  );
  await bench.eventually('the queue is empty', () => (bench.shop.pending() === 0 ? true : undefined));
  ending.abort();
  await listening?.catch(onlyChannelError);
  return taken;
}

/** Rethrows what an adapter must not throw. */
export function onlyChannelError(error: unknown): void {
  if (!(error instanceof ChannelError)) throw error;
}

export async function listingsOf(channel: Channel): Promise<Listing[]> {
  const found: Listing[] = [];
  for await (const page of channel.listListings(calm)) found.push(...page.listings);
  return found;
}

export function howOf(
  span: { askedAt: number; answeredAt: number },
  obtained: Obtaining['obtained'],
): Obtaining {
  return { obtained, askedAt: span.askedAt, answeredAt: span.answeredAt, attempt: 0 };
}

/** Ids of the adapter may wrap those of the shop (`gid://…/5` for `5`). */
export function sameId(theirs: string, shops: string): boolean {
  return theirs === shops || theirs.endsWith(`/${shops}`);
}

/** Skips the running test, with the reason in the report. */
export function need<T>(context: TestContext, thing: T | Lacking | undefined | null, reason: string): T {
  if (thing !== undefined && thing !== null && !isLacking(thing)) return thing;
  const words = isLacking(thing) ? thing.lacking : reason;
  context.skip(words);
  throw new Error(words);
}

function isLacking(thing: unknown): thing is Lacking {
  return typeof thing === 'object' && thing !== null && 'lacking' in thing;
}

/** Everything of an error or value that could end up in front of people. */
function textOf(value: unknown): string {
  if (!(value instanceof Error)) return typeof value === 'string' ? value : JSON.stringify(value);
  const hint = 'hint' in value ? String(value.hint) : '';
  return `${value.message} ${hint} ${JSON.stringify(value)}`;
}

function secretsIn(definition: ChannelDefinition, own: Record<string, unknown>): string[] {
  const marked = keysOf(definition.config).filter((key) => key.secret);
  const texts = (name: string, value: unknown): string[] => {
    if (Array.isArray(value)) return value.flatMap((each) => texts(name, each));
    // Within a group of keys the look of a name tells.
    if (typeof value === 'object' && value !== null)
      return Object.entries(value).flatMap(([inner, each]) =>
        isSecretKey(inner, []) ? texts(inner, each) : [],
      );
    return typeof value === 'string' ? [value] : [];
  };
  return marked.flatMap(({ name }) => texts(name, own[name]));
}

/** Opens benches that are closed after each test of the describe block that calls this. */
export function benches(make: MakeBench): (items?: number, seed?: number) => Promise<Bench> {
  const opened: Bench[] = [];
  afterEach(async () => {
    for (const bench of opened.splice(0)) await bench.close();
  });
  return async (items, seed) => {
    const bench = await openBench(make, items, seed);
    opened.push(bench);
    return bench;
  };
}
