import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';
import type { Channel, ChannelDeps, Vault } from '../../../src/channels/channel.ts';
import { type WooConfig, wooConfig } from '../../../src/channels/woocommerce/config.ts';
import { woocommerce } from '../../../src/channels/woocommerce/index.ts';
import type { Clock } from '../../../src/clock.ts';
import { silentLog } from '../../../src/log.ts';

/** A call as the server received it. `path` has no query. */
export interface Call {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: unknown;
}

/** What is answered: `json` or `text`, 200 unless told; `hangUp` closes the socket without an answer. */
export interface Reply {
  status?: number;
  json?: unknown;
  text?: string;
  headers?: Record<string, string>;
  hangUp?: true;
}

/** The time of all tests, shortly after the recording was made. */
export const noon = Date.parse('2026-11-23T12:00:00Z');
/** Never aborted. */
export const { signal } = new AbortController();

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A loopback server that replays documented answers, and a channel that talks to it. Both end with the test. */
export async function scripted(
  answer: (call: Call) => Reply,
  options: { config?: Partial<Record<keyof WooConfig, unknown>>; vault?: Map<string, string> } = {},
): Promise<{ channel: Channel; calls: Call[]; deps: ChannelDeps }> {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://localhost');
      const text = Buffer.concat(chunks).toString('utf8');
      const call: Call = {
        method: request.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body: text === '' ? null : JSON.parse(text),
      };
      calls.push(call);
      const reply = answer(call);
      if (reply.hangUp) {
        request.socket.destroy();
        return;
      }
      response.writeHead(reply.status ?? 200, {
        'content-type': reply.text === undefined ? 'application/json' : 'text/html',
        date: new Date(noon).toUTCString(),
        ...reply.headers,
      });
      response.end(reply.text ?? JSON.stringify(reply.json ?? null));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const deps = depsFor({ baseUrl: `http://127.0.0.1:${port}`, vault: options.vault ?? new Map() });
  const channel = woocommerce.create(configOf(options.config ?? {}), deps);
  closers.push(async () => {
    await channel.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { channel, calls, deps };
}

/** A sound configuration with some keys changed. */
export function configOf(change: Partial<Record<keyof WooConfig, unknown>>): WooConfig {
  return wooConfig.parse({
    url: 'https://shop.example',
    consumer_key: 'ck_test',
    consumer_secret: 'cs_test',
    webhook_secret: 'whsec_local_0123456789abcdef',
    ...change,
  });
}

/** What the engine lends; time stands at noon and only sleeping moves it. */
export function depsFor(options: { baseUrl: string | null; vault?: Map<string, string> }): ChannelDeps {
  let now = noon;
  const clock: Clock = {
    now: () => now,
    sleep: (ms) => {
      now += ms;
      return Promise.resolve();
    },
  };
  const stored = options.vault ?? new Map<string, string>();
  const vault: Vault = {
    get: (key) => Promise.resolve(stored.get(key) ?? null),
    set: (key, value) => {
      stored.set(key, value);
      return Promise.resolve();
    },
  };
  let drawn = 0;
  return {
    name: 'wp-shop',
    clock,
    log: silentLog,
    randomHex: (bytes) => {
      drawn += 1;
      return drawn.toString(16).padStart(bytes * 2, '0');
    },
    publicUrl: null,
    baseUrl: options.baseUrl,
    timeoutMs: 5_000,
    vault,
  };
}

/** All values of an async iterable. */
export async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const value of values) list.push(value);
  return list;
}
