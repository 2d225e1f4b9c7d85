import { createHmac, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A REST client of the tests: its own OAuth 1.0a, written from RFC 5849, and nothing shared with the shop. */

export interface Credentials {
  key: string;
  secret: string;
}

export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  json: any;
  text: string;
  headers: Headers;
}

const enc = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

export interface OauthOptions {
  nonce?: string;
  timestamp?: number;
  algorithm?: 'sha1' | 'sha256';
  /** The URL that is signed, when it is not the one that is called. */
  home?: string;
}

/** The URL with OAuth parameters in its query. `path` starts with a slash and may carry a query. */
export function signedUrl(
  base: string,
  method: string,
  path: string,
  credentials: Credentials,
  options: OauthOptions = {},
): string {
  const algorithm = options.algorithm ?? 'sha256';
  const url = new URL((options.home ?? base) + path);
  const parameters: [string, string][] = [...url.searchParams];
  parameters.push(
    ['oauth_consumer_key', credentials.key],
    ['oauth_nonce', options.nonce ?? randomBytes(16).toString('hex')],
    ['oauth_signature_method', algorithm === 'sha1' ? 'HMAC-SHA1' : 'HMAC-SHA256'],
    ['oauth_timestamp', String(options.timestamp ?? Math.floor(Date.now() / 1000))],
  );
  const sorted = parameters.map(([k, v]) => [enc(k), enc(v)] as const).sort((a, b) => (a[0] < b[0] ? -1 : 1));
  const text = sorted.map(([k, v]) => `${k}=${v}`).join('&');
  const signed = `${method}&${enc(url.origin + url.pathname)}&${enc(text)}`;
  const signature = createHmac(algorithm, `${credentials.secret}&`).update(signed).digest('base64');
  return `${base}${url.pathname}?${text}&oauth_signature=${enc(signature)}`;
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  let json: unknown = null;
  try {
    json = JSON.parse(text);
  } catch {
    json = null;
  }
  return { status: response.status, json, text, headers: response.headers };
}

export type Call = (method: string, path: string, body?: unknown) => Promise<Answer>;

/** Calls `/wp-json/wc/v3` + path with OAuth in the query. `now` is the shop's clock in ms. */
export function oauthClient(base: string, credentials: Credentials, now: () => number = Date.now): Call {
  return async (method, path, body) => {
    const timestamp = Math.floor(now() / 1000);
    const url = signedUrl(base, method, `/wp-json/wc/v3${path}`, credentials, { timestamp });
    return answerOf(await fetch(url, init(method, body)));
  };
}

export function basicClient(base: string, credentials: Credentials): Call {
  const authorization = `Basic ${Buffer.from(`${credentials.key}:${credentials.secret}`).toString('base64')}`;
  return async (method, path, body) => {
    const options = init(method, body);
    const headers = { ...(options.headers as Record<string, string>), authorization };
    return answerOf(await fetch(`${base}/wp-json/wc/v3${path}`, { ...options, headers }));
  };
}

export async function plain(url: string, options: RequestInit = {}): Promise<Answer> {
  return answerOf(await fetch(url, { redirect: 'manual', ...options }));
}

function init(method: string, body: unknown): RequestInit {
  const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
  return {
    method,
    redirect: 'manual',
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
}

export interface Received {
  path: string;
  headers: Record<string, string>;
  /** Names as sent, in order. */
  rawNames: string[];
  body: string;
}

export interface Listener {
  url: string;
  received: Received[];
  /** What it answers next; default 200. */
  status: number;
  location: string | null;
  /** Called before an answer is given; a promise holds the answer back. */
  before: ((call: Received) => void | Promise<void>) | null;
  stop(): Promise<void>;
}

/** A webhook receiver on loopback that keeps what it gets. */
export async function startListener(): Promise<Listener> {
  const listener: Listener = {
    url: '',
    received: [],
    status: 200,
    location: null,
    before: null,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const call: Received = {
      path: request.url ?? '',
      headers: Object.fromEntries(Object.entries(request.headers).map(([k, v]) => [k, String(v)])),
      rawNames: request.rawHeaders.filter((_, index) => index % 2 === 0),
      body: Buffer.concat(chunks).toString('utf8'),
    };
    listener.received.push(call);
    await listener.before?.(call);
    response.writeHead(listener.status, listener.location === null ? {} : { location: listener.location });
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  listener.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return listener;
}
