import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { expect } from 'vitest';
import type { CatalogueItem, Shop } from '../../src/sandbox/shop.ts';
import { afterTest } from './stage.ts';

/** What the tests of every sandbox shop need: a shop at a standing clock, calls by raw bytes, a receiver of webhooks. */

/** 2026-11-23T12:00:00Z */
export const NOON = Date.UTC(2026, 10, 23, 12);

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes are read in tests only
export type Loose = any;

export interface ShopStage<S extends Shop> {
  shop: S;
  /** Moves the shop's clock. */
  tick(ms: number): void;
  now(): number;
  /** `count` of the fault, `ms` long. */
  once(name: string, ms?: number): void;
}

/** Starts a shop whose clock stands. It ends with the test; one that `beforeAll` started is stopped by who shares it. */
export async function startStage<S extends Shop>(
  create: (sound: { name: string; seed: number; port: number; now: () => number }) => S,
  startAt = NOON,
): Promise<ShopStage<S>> {
  let now = startAt;
  const shop = create({ name: 'my shop', seed: 7, port: 0, now: () => now });
  await shop.start();
  afterTest(() => shop.stop());
  return {
    shop,
    now: () => now,
    tick(ms) {
      now += ms;
    },
    once: (name, ms) => shop.fault({ name, count: 1, ...(ms === undefined ? {} : { ms }) }),
  };
}

/** `SKU-1` … ten of each; `digits`: numbers are filled up to that many. */
export function catalogue(size: number, digits = 1): CatalogueItem[] {
  return Array.from({ length: size }, (_, index) => ({
    sku: `SKU-${String(index + 1).padStart(digits, '0')}`,
    title: `Thing ${index + 1}`,
    stock: 10,
  }));
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** Null where the body is no JSON. */
  json: Loose;
}

/** What is sent. A header or a body that is undefined is left out; a text goes as it is, all else as JSON. */
export interface Sending {
  method?: string;
  headers?: Record<string, string | undefined>;
  body?: unknown;
}

/** A call by raw bytes: no header but those given, no redirect followed. */
export async function send(
  url: string,
  { method = 'GET', headers = {}, body }: Sending = {},
): Promise<Answer> {
  const answer = await request(url, {
    method: method as 'GET',
    headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)),
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await answer.body.text();
  return { status: answer.statusCode, headers: answer.headers, text, json: parsed(text) };
}

export const basicAuth = (credentials: string): string =>
  `Basic ${Buffer.from(credentials).toString('base64')}`;

function parsed(text: string): Loose {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Waits for a condition that the shop's own work brings about. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  await expect.poll(condition, { interval: 1, timeout: 60_000 }).toBe(true);
}

// ------------------------------------------------------------------------------------------------------ shelves

type AtShop = Shop | { shop: Shop };
const shopOf = (at: AtShop): Shop => ('shop' in at ? at.shop : at);
const entryOf = (at: AtShop, sku: string) =>
  shopOf(at)
    .records()
    .listings.find((entry) => entry.sku === sku);

/** The number that the shop shows; undefined where it knows no such SKU. */
export function shown(at: AtShop, sku: string): number | null | undefined {
  return entryOf(at, sku)?.shown;
}

export function listing(at: AtShop, sku: string): string {
  const found = entryOf(at, sku);
  if (found === undefined) throw new Error(`no listing ${sku}`);
  return found.listing_id;
}

/** Sells or throws. `lineId`: of the first line. */
export function sell(at: AtShop, ...lines: [sku: string, quantity: number][]) {
  const result = shopOf(at).sell({ lines: lines.map(([sku, quantity]) => ({ sku, quantity })) });
  if (!result.sold) throw new Error(`not sold: ${result.reason}`);
  const lineIds = result.lines.map((line) => line.line_id);
  return { orderId: result.order_id, lineIds, lineId: lineIds[0] ?? '' };
}

interface Telling extends Shop {
  settle(): Promise<unknown>;
}

/** Sells, and waits until all that the shop has to tell of it is told or given up. */
export async function sellAndSettle(
  at: Telling | { shop: Telling },
  ...lines: [sku: string, quantity: number][]
): Promise<void> {
  sell(at, ...lines);
  await ('shop' in at ? at.shop : at).settle();
}

// ------------------------------------------------------------------------------------------------------ receiver

/** A call that the receiver got, bytes and all. */
export interface Received {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  /** Names as sent, in order. */
  rawNames: string[];
  body: Buffer;
  text: string;
  /** Null where the body is no JSON. */
  json: Loose;
}

export interface Verdict {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

/** A number is a status. */
export type Judgement = Verdict | number | undefined;

/** An endpoint that keeps what comes. */
export interface Receiver {
  url: string;
  got: Received[];
  /** Statuses of the next answers; the last one repeats. */
  answers: number[];
  /** Decides instead of `answers` where it gives a verdict; a promise holds the answer back. */
  judge: ((call: Received) => Judgement | Promise<Judgement>) | null;
  stop(): Promise<void>;
}

/** Ends with the test, as a shop does. */
export async function startReceiver(path = '/hooks/shop'): Promise<Receiver> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const text = body.toString('utf8');
    const { method = '', url = '', headers } = request;
    const rawNames = request.rawHeaders.filter((_, index) => index % 2 === 0);
    const call = { method, url, headers, rawNames, body, text, json: parsed(text) };
    receiver.got.push(call);
    const { answers } = receiver;
    const next = (answers.length > 1 ? answers.shift() : answers[0]) ?? 200;
    const judged = (await receiver.judge?.(call)) ?? next;
    const verdict: Verdict = typeof judged === 'number' ? { status: judged } : judged;
    response.writeHead(verdict.status, verdict.headers);
    response.end(verdict.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    got: [],
    answers: [200],
    judge: null,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  afterTest(() => receiver.stop());
  return receiver;
}
