import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';
import type {
  Channel,
  ChannelDeps,
  DeliveryContent,
  FactsOf,
  HookRequest,
  Json,
  Listing,
  PushLine,
  Receipt,
} from '../../../src/channels/channel.ts';
import { EbayConfig } from '../../../src/channels/ebay/config.ts';
import { ebay } from '../../../src/channels/ebay/index.ts';
import { silentLog } from '../../../src/log.ts';

/** A call as the server received it. `body` is parsed JSON, or the text of a form or an XML document. */
export interface Call {
  method: string;
  /** Path without query; for the XML API the name of the call. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: unknown;
}

/** What is answered: `json`, or `xml` (the content of the response element), 200 unless told. */
export interface Reply {
  status?: number;
  json?: unknown;
  xml?: string;
  text?: string;
  headers?: Record<string, string>;
  hangUp?: true;
}

/** The time at which every test begins. */
export const noon = Date.parse('2026-11-23T12:00:00Z');
export const calm = new AbortController().signal;

/** A running script, the channel at it, and what it was asked. Time moves by sleeping or by hand. */
export interface Stage {
  channel: Channel;
  calls: Call[];
  /** Calls without those for tokens. */
  asked(path: string): Call[];
  deps: ChannelDeps;
  url: string;
  vault: Map<string, string>;
  pass(ms: number): void;
  /** Another channel object on the same script and vault. */
  reopen(config?: Record<string, unknown>): Channel;
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Answers of the token endpoint, unless the script has its own. */
function grant(call: Call): Reply {
  const kind = String(call.body).includes('client_credentials') ? 'app' : 'user';
  return { json: { access_token: `token-${kind}`, expires_in: 7200, token_type: 'Bearer' } };
}

export const tokenPath = '/identity/v1/oauth2/token';

/** A loopback server that answers by the script. It and its channels end with the test. */
export async function stage(
  answer: (call: Call) => Reply | undefined,
  options: { config?: Record<string, unknown>; vault?: Map<string, string> } = {},
): Promise<Stage> {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const address = new URL(request.url ?? '/', 'http://localhost');
      const text = Buffer.concat(chunks).toString('utf8');
      const name = request.headers['x-ebay-api-call-name'];
      const call: Call = {
        method: request.method ?? '',
        path: typeof name === 'string' ? name : address.pathname,
        query: address.searchParams,
        headers: request.headers,
        body: text.startsWith('{') ? JSON.parse(text) : text,
      };
      calls.push(call);
      const reply = answer(call) ??
        (call.path === tokenPath ? grant(call) : undefined) ?? {
          status: 404,
          json: { errors: [{ errorId: 1 }] },
        };
      if (reply.hangUp) return void request.socket.destroy();
      response.writeHead(reply.status ?? 200, { date: new Date(now).toUTCString(), ...reply.headers });
      response.end(bodyOf(call, reply));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let now = noon;
  const vault = options.vault ?? new Map<string, string>();
  const deps: ChannelDeps = {
    name: 'ebay-shop',
    clock: {
      now: () => now,
      sleep: (ms) => {
        now += ms;
        return Promise.resolve();
      },
    },
    log: silentLog,
    randomHex: (bytes) => 'ab'.repeat(bytes),
    publicUrl: null,
    baseUrl: url,
    timeoutMs: 5_000,
    vault: {
      get: async (key) => vault.get(key) ?? null,
      set: async (key, value) => void vault.set(key, value),
    },
  };
  const reopen = (config: Record<string, unknown> = {}): Channel => {
    const channel = ebay.create(configOf({ ...options.config, ...config }), deps);
    closers.push(() => channel.close());
    return channel;
  };
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    channel: reopen(),
    calls,
    asked: (path) => calls.filter((call) => call.path === path),
    deps,
    url,
    vault,
    pass: (ms) => {
      now += ms;
    },
    reopen,
  };
}

function bodyOf(call: Call, reply: Reply): string {
  if (reply.text !== undefined) return reply.text;
  if (reply.xml === undefined) return reply.json === undefined ? '' : JSON.stringify(reply.json);
  const ack = reply.xml.includes('<Ack>') ? '' : '<Ack>Success</Ack>';
  return `<?xml version="1.0" encoding="UTF-8"?><${call.path}Response xmlns="urn:ebay:apis:eBLBaseComponents">${ack}${reply.xml}</${call.path}Response>`;
}

/** A sound configuration with some keys changed. */
export function configOf(change: Record<string, unknown> = {}): EbayConfig {
  const config: Record<string, unknown> = {
    client_id: 'app-id',
    client_secret: 'cert-secret',
    dev_id: 'dev-id',
    refresh_token: 'v^1.1#refresh-secret',
    refresh_token_created: '2026-11-01',
    marketplace: 'EBAY_DE',
    verification_token: 'verification_token-0123456789abcdef',
    ...change,
  };
  for (const [key, value] of Object.entries(config)) if (value === undefined) delete config[key];
  return EbayConfig.parse(config);
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

export function line(listing: Listing, quantity: number, base: number | null): PushLine {
  return { ...listing, quantity, base, key: 'cd'.repeat(16) };
}

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

/** What a listed item or a delivery's fields say. */
export function said(channel: Channel, fields: Json, facts: FactsOf = () => undefined): DeliveryContent {
  return channel.ordersIn(fields, facts, { obtained: 'listed', askedAt: noon, answeredAt: noon, attempt: 0 });
}
