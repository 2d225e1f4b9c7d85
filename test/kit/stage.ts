import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished, TestRunner } from 'vitest';
import type {
  Channel,
  ChannelDeps,
  DeliveryContent,
  FactsOf,
  HookRequest,
  Json,
  Listing,
  Obtaining,
  PushLine,
  Receipt,
  Vault,
} from '../../src/channels/channel.ts';
import { ChannelError } from '../../src/channels/errors.ts';
import type { Clock } from '../../src/clock.ts';
import { type Log, silentLog } from '../../src/log.ts';

/** The time at which every test begins. */
export const noon = Date.parse('2026-11-23T12:00:00Z');
/** Never aborted. */
export const calm = new AbortController().signal;

/** A request as the server received it. `target` as sent, with its query; `body`: JSON where it is, else the text. */
export interface Call {
  method: string;
  path: string;
  target: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  text: string;
  body: unknown;
}

/** What is answered: `json`, or `text` as it is; 200 unless told. `silence`: the request is taken and never answered. */
export interface Reply {
  status?: number;
  json?: unknown;
  text?: string;
  headers?: Record<string, string>;
  hangUp?: true;
  silence?: true;
}

export type Script<C extends Call = Call> = (call: C) => Reply | undefined;

/** Runs at the end of the test, before what was opened earlier is closed. What `beforeAll` opens it closes itself. */
export function afterTest(close: () => Promise<void>): void {
  if (TestRunner.getCurrentTest() !== undefined) onTestFinished(close);
}

/** A loopback server that answers by the script, 404 where that says nothing. It ends with the test. */
export async function serve(
  script: Script,
  now: () => number = () => noon,
): Promise<{ url: string; calls: Call[] }> {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const target = request.url ?? '/';
      const [path = '', query = ''] = target.split('?', 2);
      const text = Buffer.concat(chunks).toString('utf8');
      const { method = '', headers } = request;
      const call: Call = {
        method,
        path,
        target,
        query: new URLSearchParams(query),
        headers,
        text,
        body: /^[[{]/.test(text) ? JSON.parse(text) : text || null,
      };
      calls.push(call);
      const reply = script(call) ?? { status: 404, json: {} };
      if (reply.silence) return;
      if (reply.hangUp) return void request.socket.destroy();
      response.writeHead(reply.status ?? 200, {
        date: new Date(now()).toUTCString(),
        ...(reply.text === undefined ? { 'content-type': 'application/json' } : {}),
        ...reply.headers,
      });
      response.end(reply.text ?? (reply.json === undefined ? '' : JSON.stringify(reply.json)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterTest(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls };
}

/** A clock that stands until somebody sleeps or the test moves it. */
export interface TestClock extends Clock {
  slept: number[];
  pass(ms: number): void;
}

export function testClock(start = noon): TestClock {
  let now = start;
  const slept: number[] = [];
  const pass = (ms: number): void => {
    now += ms;
  };
  return {
    now: () => now,
    slept,
    pass,
    sleep: async (ms) => {
      slept.push(ms);
      pass(ms);
    },
  };
}

/** A vault over a map; `broken.isBroken` makes its writes fail. */
export function vaultOf(stored: Map<string, string>, broken: { isVaultBroken?: boolean } = {}): Vault {
  return {
    get: async (key) => stored.get(key) ?? null,
    set: async (key, value) => {
      if (broken.isVaultBroken) throw new Error('disk full');
      stored.set(key, value);
    },
  };
}

/** What the engine lends an adapter: time stands, chance counts up, nothing is logged. */
export function depsFor(change: Partial<ChannelDeps> = {}): ChannelDeps {
  let drawn = 0;
  return {
    name: 'shop',
    clock: testClock(),
    log: silentLog,
    randomHex: (bytes) => {
      drawn += 1;
      return drawn.toString(16).padStart(bytes * 2, '0');
    },
    baseUrl: null,
    publicUrl: null,
    timeoutMs: 5_000,
    vault: vaultOf(new Map()),
    ...change,
  };
}

/** A running script, the channel at it, and what it was asked. */
export interface Stage {
  channel: Channel;
  calls: Call[];
  asked(path: string | RegExp): Call[];
  url: string;
  deps: ChannelDeps;
  clock: TestClock;
  vault: Map<string, string>;
  /** The platform's clock ahead of ours in ms; a vault that cannot write. */
  platform: { aheadMs: number; isVaultBroken: boolean };
  /** Warnings that were logged. */
  warned: string[];
  now(): number;
  pass(ms: number): void;
  /** Another channel object on the same script and vault. */
  reopen(config?: Record<string, unknown>, deps?: Partial<ChannelDeps>): Channel;
}

export interface StageOptions {
  config?: Record<string, unknown>;
  deps?: Partial<ChannelDeps>;
  vault?: Map<string, string>;
  /** The platform's clock ahead of ours. */
  aheadMs?: number;
  /** Default noon. */
  startAt?: number;
}

/** Opens a channel of the definition at a scripted platform. `config`: a sound configuration, to be changed key by key. */
export async function stageOf<Config>(
  definition: {
    config: { parse(value: unknown): Config };
    create(config: Config, deps: ChannelDeps): Channel;
  },
  config: Record<string, unknown> | ((url: string) => Record<string, unknown>),
  script: Script,
  options: StageOptions = {},
): Promise<Stage> {
  const clock = testClock(options.startAt);
  const platform = { aheadMs: options.aheadMs ?? 0, isVaultBroken: false };
  const { url, calls } = await serve(script, () => clock.now() + platform.aheadMs);
  const vault = options.vault ?? new Map<string, string>();
  const warned: string[] = [];
  const log: Log = { ...silentLog, warn: (_, message) => void warned.push(message) };
  const deps = depsFor({ clock, log, baseUrl: url, vault: vaultOf(vault, platform), ...options.deps });
  const sound = typeof config === 'function' ? config(url) : config;
  const reopen: Stage['reopen'] = (change = {}, other = {}) => {
    const given = definition.config.parse(changed(sound, { ...options.config, ...change }));
    const channel = definition.create(given, { ...deps, ...other });
    afterTest(() => channel.close());
    return channel;
  };
  return {
    channel: reopen(),
    calls,
    asked: (path) =>
      calls.filter((call) => (typeof path === 'string' ? call.path === path : path.test(call.path))),
    url,
    deps,
    clock,
    vault,
    platform,
    warned,
    now: clock.now,
    pass: clock.pass,
    reopen,
  };
}

/** Some keys changed; undefined takes a key away. */
export function changed(
  config: Record<string, unknown>,
  change: Record<string, unknown>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries({ ...config, ...change }).filter(([, value]) => value !== undefined),
  );
}

/** All values of an async iterable. */
export async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const value of values) list.push(value);
  return list;
}

/** The catalogue as one list. */
export async function listed(channel: Channel): Promise<Listing[]> {
  return (await all(channel.listListings(calm))).flatMap((page) => page.listings);
}

/** A line for a listing. */
export function lineOf(
  listing: Pick<Listing, 'listingId' | 'counterKey' | 'channelSku' | 'facts'>,
  quantity: number,
  base: number | null,
): PushLine {
  const { listingId, counterKey, channelSku, facts } = listing;
  return { listingId, counterKey, channelSku, facts, quantity, base, key: 'cd'.repeat(16) };
}

export const unknownRefs: FactsOf = () => undefined;

export function factsIn(listings: readonly Listing[]): FactsOf {
  const byRef = new Map(
    listings.flatMap((one) => [one.listingId, ...one.aliases].map((ref) => [ref, one] as const)),
  );
  return (ref) => byRef.get(ref);
}

export function hook(change: Partial<HookRequest>): HookRequest {
  return {
    method: 'POST',
    path: '',
    query: '',
    headers: {},
    body: Buffer.alloc(0),
    receivedAt: noon,
    ...change,
  };
}

/** What the engine does with `needs`: loads and asks once more. */
export async function received(channel: Channel, request: HookRequest): Promise<Receipt> {
  const receipt = channel.receive(request);
  if (receipt.kind !== 'needs') return receipt;
  await receipt.load(calm);
  return channel.receive(request);
}

export const listedNow: Obtaining = { obtained: 'listed', askedAt: noon, answeredAt: noon, attempt: 0 };

/** What a listed item or a delivery's fields say. */
export function said(channel: Channel, fields: Json, facts: FactsOf = unknownRefs): DeliveryContent {
  return channel.ordersIn(fields, facts, listedNow);
}

/** The ChannelError of a call that fails. */
export async function failure(promise: Promise<unknown>): Promise<ChannelError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ChannelError) return error;
  throw new Error(`no ChannelError: ${String(error)}`);
}
