import { memory } from '../../src/channels/memory/index.ts';
import { shopify } from '../../src/channels/shopify/index.ts';
import { woocommerce } from '../../src/channels/woocommerce/index.ts';
import { createShopifyShop } from '../../src/sandbox/shopify/index.ts';
import { createWooShop } from '../../src/sandbox/woocommerce/index.ts';
import { channelSuite } from './channel.ts';
import { createMemoryShop } from './memory-shop.ts';
const [which, mut] = (process.env['MUT'] ?? '').split(':');
const muts: any = {
  nobase: (c: any) => { const f = c.setStock; c.setStock = (l: any, s: any) => f(l.map((x: any) => ({ ...x, base: null })), s); },
  reversed: (c: any) => { const f = c.setStock; c.setStock = async (l: any, s: any) => (await f(l, s)).reverse(); },
  nowrite: (c: any) => { c.setStock = async (l: any) => l.map((x: any) => ({ kind: 'applied', shown: x.quantity })); },
  conflictbase: (c: any) => { const f = c.setStock; c.setStock = async (l: any, s: any) => (await f(l, s)).map((o: any, i: number) => o.kind === 'conflict' ? { ...o, shown: l[i].base } : o); },
  unknownretry: (c: any) => { const f = c.setStock; c.setStock = async (l: any, s: any) => (await f(l, s)).map((o: any) => o.kind === 'unknown' ? { kind: 'retry', error: 'x' } : o); },
  authretry: (c: any) => { const f = c.setStock; c.setStock = async (l: any, s: any) => (await f(l, s)).map((o: any) => o.kind === 'auth' ? { kind: 'retry', error: 'x' } : o); },
  readsort: (c: any) => { const f = c.readStock; c.readStock = async (l: any, s: any) => (await f(l, s)).sort((a: any, b: any) => a.listingId < b.listingId ? -1 : 1); },
  readzero: (c: any) => { const f = c.readStock; c.readStock = async (l: any, s: any) => (await f(l, s)).map((r: any) => ({ ...r, shown: r.shown ?? 0 })); },
  droplast: (c: any) => { const f = c.listListings; c.listListings = async function* (s: any) { const all = []; for await (const p of f(s)) all.push(p); yield* all.length > 1 ? all.slice(0, -1) : all; }; },
  dup: (c: any) => { const f = c.listListings; c.listListings = async function* (s: any) { for await (const p of f(s)) yield { ...p, listings: [...p.listings, p.listings[0]] }; }; },
  writable: (c: any) => { const f = c.listListings; c.listListings = async function* (s: any) { for await (const p of f(s)) yield { ...p, listings: p.listings.map((l: any) => ({ ...l, unwritable: null })) }; }; },
  unambiguous: (c: any) => { const f = c.listListings; c.listListings = async function* (s: any) { for await (const p of f(s)) yield { ...p, listings: p.listings.map((l: any) => ({ ...l, ambiguous: false })) }; }; },
  onecounter: (c: any) => { const f = c.listListings; c.listListings = async function* (s: any) { for await (const p of f(s)) yield { ...p, listings: p.listings.map((l: any) => ({ ...l, counterKey: 'x' })) }; }; },
  owncounter: (c: any) => { const f = c.listListings; c.listListings = async function* (s: any) { for await (const p of f(s)) yield { ...p, listings: p.listings.map((l: any) => ({ ...l, counterKey: l.listingId })) }; }; },
  sincestrict: (c: any) => { const f = c.ordersSince; c.ordersSince = (t: any, s: any) => f(t + 1000, s); },
  dropone: (c: any) => { const f = c.ordersSince; c.ordersSince = async function* (t: any, s: any) { for await (const p of f(t, s)) yield { ...p, items: p.items.slice(p.items.length > 10 ? 1 : 0) }; }; },
  endeach: (c: any) => { const f = c.ordersSince; c.ordersSince = async function* (t: any, s: any) { for await (const p of f(t, s)) yield { ...p, end: { channelClock: Date.now() } }; }; },
  clock: (c: any) => { const f = c.ordersSince; c.ordersSince = async function* (t: any, s: any) { for await (const p of f(t, s)) yield { ...p, end: p.end && { channelClock: p.end.channelClock + 20000 } }; }; },
  desc: (c: any) => { const f = c.ordersSince; c.ordersSince = async function* (t: any, s: any) { const all = []; for await (const p of f(t, s)) all.push(p); const e = all.at(-1).end; const r = all.map((p: any) => ({ ...p, items: p.items.reverse(), end: null })).reverse(); r[r.length - 1].end = e; yield* r; }; },
  created: (c: any) => { c.ordersCreatedSince = c.ordersSince.bind(c, Date.now()); },
  noopen: (c: any) => { const f = c.openOrders; if (f) c.openOrders = async function* (s: any) { for await (const p of f(s)) yield { ...p, items: p.items.slice(1) }; }; },
  fetchrev: (c: any) => { const f = c.fetchOrders; c.fetchOrders = async (i: any, s: any) => (await f(i, s)).reverse(); },
  fetchuniq: (c: any) => { const f = c.fetchOrders; c.fetchOrders = (i: any, s: any) => f([...new Set(i)], s); },
  nogone: (c: any) => { const f = c.ordersIn; c.ordersIn = (a: any, b: any, h: any) => { const r = f(a, b, h); return { ...r, orders: r.orders.map((o: any) => ({ ...o, lines: o.lines.map((l: any) => ({ ...l, gone: 0 })) })) }; }; },
  linekey: (c: any) => { const f = c.ordersIn; c.ordersIn = (a: any, b: any, h: any) => { const r = f(a, b, h); return { ...r, orders: r.orders.map((o: any) => ({ ...o, lines: o.lines.map((l: any) => ({ ...l, lineKey: `${l.lineKey}@${o.version}/${l.lineKey}` })) })) }; }; },
  deliveredbad: (c: any) => { const f = c.ordersIn; c.ordersIn = (a: any, b: any, h: any) => { const r = f(a, b, h); return h.obtained !== 'delivered' ? r : { ...r, orders: r.orders.map((o: any) => ({ ...o, lines: o.lines.map((l: any) => ({ ...l, taken: l.taken + 1 })) })) }; }; },
  nodelivery: (c: any) => { const f = c.ordersIn; c.ordersIn = (a: any, b: any, h: any) => { const r = f(a, b, h); return h.obtained !== 'delivered' ? r : { ...r, orders: [], fetch: [] }; }; },
  incomplete: (c: any) => { const f = c.ordersIn; c.ordersIn = (a: any, b: any, h: any) => { const r = f(a, b, h); return { ...r, orders: r.orders.map((o: any) => ({ ...o, complete: false })) }; }; },
  placed: (c: any) => { const f = c.ordersIn; c.ordersIn = (a: any, b: any, h: any) => { const r = f(a, b, h); return { ...r, orders: r.orders.map((o: any) => ({ ...o, placedAt: o.placedAt - 3600000 })) }; }; },
  mutates: (c: any) => { const f = c.ordersIn; c.ordersIn = (a: any, b: any, h: any) => { const r = f(a, b, h); a.x = (a.x ?? 0) + 1; return r; }; },
  norefs: (c: any) => { c.refsIn = () => []; },
  nocheck: (c: any) => { const f = c.receive; c.receive = (r: any) => { const x = f(r); return x.kind === 'refused' && r.method === 'POST' && x.reason !== 'no signature' ? { kind: 'deliveries', deliveries: [{ key: 'kkkk', kind: 'x', meta: null, body: r.body }] } : x; }; },
  randkey: (c: any) => { const f = c.receive; c.receive = (r: any) => { const x = f(r); if (x.kind === 'deliveries') x.deliveries = x.deliveries.map((d: any) => ({ ...d, key: String(Math.random()) })); return x; }; },
  constkey: (c: any) => { const f = c.receive; c.receive = (r: any) => { const x = f(r); if (x.kind === 'deliveries') x.deliveries = x.deliveries.map((d: any) => ({ ...d, key: 'kkkk' })); return x; }; },
  keepbody: (c: any) => { const f = c.fieldsOf; const g = c.ordersIn; c.fieldsOf = (d: any) => ({ f: f(d), raw: Buffer.from(d.body).toString() }); c.ordersIn = (a: any, b: any, h: any) => g(a.f ?? a, b, h); const r = c.refsIn; c.refsIn = (a: any) => r(a.f ?? a); },
  syntax: (c: any) => { const f = c.fieldsOf; c.fieldsOf = (d: any) => { JSON.parse(Buffer.from(d.body).toString()); return f(d); }; },
  longids: (c: any) => { const f = c.fieldsOf; c.fieldsOf = (d: any) => f({ ...d, body: Buffer.from(JSON.stringify(JSON.parse(Buffer.from(d.body).toString()))) }); },
  nochanges: (c: any) => { const f = c.webhooks.ensure; c.webhooks.ensure = async (u: any, s: any) => ({ ...(await f(u, s)), changes: [] }); },
  ensureonce: (c: any) => { const f = c.webhooks.ensure; let r: any; c.webhooks.ensure = async (u: any, s: any) => { if (r) return { ...r, changes: [] }; r = await f(u, s); return r; }; },
  noremove: (c: any) => { c.webhooks.remove = async () => ['x']; },
  allours: (c: any) => { const f = c.webhooks.list; c.webhooks.list = async (s: any) => (await f(s)).map((w: any) => ({ ...w, ours: true })); },
  holdnothing: (c: any) => { c.hold = async () => ({ kind: 'done', detail: 'x' }); },
  cancelnothing: (c: any) => { c.cancel = async () => ({ kind: 'done', detail: 'x' }); },
  holdretry: (c: any) => { const f = c.hold; c.hold = async (o: any, s: any) => { const r = await f(o, s); return r.kind === 'refused' ? { kind: 'retry', error: 'x' } : r; }; },
  nosignal: (c: any) => { for (const m of ['identity']) { const f = c[m]; c[m] = () => f(new AbortController().signal); } },
  nosignalset: (c: any) => { const f = c.setStock; c.setStock = (l: any) => f(l, new AbortController().signal); },
  leak: (c: any, cfg: any) => { const f = c.check; c.check = async (s: any) => [...(await f(s)), { name: 'x', level: 'ok', detail: `token ${JSON.stringify(cfg)}`, remedy: '' }]; },
  lie: (c: any) => { c.hold = undefined; },
  identity: (c: any) => { c.identity = async () => ({ accountId: String(Math.random()), title: 'x' }); },
  closetwice: (c: any) => { const f = c.close; let n = 0; c.close = async () => { n += 1; if (n > 1) throw new Error('closed'); await f(); }; },
};
const wrap = (d: any) => ({ ...d, create: (cfg: any, deps: any) => { const c = { ...d.create(cfg, deps) }; if (c.webhooks) c.webhooks = { ...c.webhooks }; muts[mut ?? '']?.(c, cfg); return c; } });
if (process.env['LIST']) console.log(Object.keys(muts).join(' '));
if (which === 'memory') channelSuite('m', (options) => { const shop = createMemoryShop(options); return { definition: wrap(memory), shop, settle: shop.settle, signatureHeader: 'x-memory-signature', keys: { webhook: 'secret', credential: null }, foreignFault: null, furnish: async () => ({ unwritable: ['SET-1'], ambiguous: ['TWIN'], shared: ['TWIN'] }) }; });
if (which === 'shopify') channelSuite('s', (options) => { const shop = createShopifyShop(options); return { definition: wrap(shopify), shop, settle: shop.settle, signatureHeader: 'x-shopify-hmac-sha256', keys: { webhook: 'webhook_secret', credential: 'access_token' }, foreignFault: 'wrong_shop', furnish: async () => ({ unwritable: ['GIFT-CARD', 'BUNDLE-PARENT'], ambiguous: ['DUP-1'] }), foreignWebhook: async () => undefined }; });
if (which === 'woo') channelSuite('w', (options) => { const shop = createWooShop(options); return { definition: wrap(woocommerce), shop, settle: async () => { while ((await shop.runQueue()) > 0); }, signatureHeader: 'x-wc-webhook-signature', keys: { webhook: 'webhook_secret', credential: 'consumer_secret' }, foreignFault: 'clone_source' }; });
