import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '../errors.ts';

/** What a listener answers; the body is sent as UTF-8 with its length. */
export interface HttpAnswer {
  status: number;
  headers?: Record<string, string>;
  body: string;
  /** Cut the connection after this answer. */
  close?: boolean;
}

/** A request that passed the wire rules. Header names are lower case; repeated headers are joined by `, `. */
export interface HttpAsk {
  method: string;
  /** As sent, without the query. */
  path: string;
  query: string;
  headers: Readonly<Record<string, string>>;
  /** The body within the limit; the answer to send instead when it is too large, or the caller hung up. */
  body(): Promise<Buffer | HttpAnswer>;
}

/** Limits of a listener. All times in ms. */
export interface ListenerLimits {
  bodyBytes: number;
  headerBytes: number;
  headersTimeoutMs: number;
  requestTimeoutMs: number;
  connections: number;
  keepAliveMs: number;
  drainMs: number;
}

/** Tight enough for the open internet, roomy enough for every platform's webhooks. */
export const listenerLimits: ListenerLimits = {
  bodyBytes: 1024 * 1024,
  headerBytes: 16 * 1024,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  connections: 1_024,
  // Longer than the idle time-outs of the usual proxies, so that it is never us who cuts a reused connection.
  keepAliveMs: 65_000,
  drainMs: 10_000,
};

/** A listener that runs. */
export interface Listener {
  /** `http://host:port`, known after `start`. */
  readonly url: string;
  /** Rejects when the address cannot be had. */
  start(): Promise<void>;
  /** Takes no new connection, lets running requests end within `drainMs`, cuts the rest. A second stop is harmless. */
  stop(): Promise<void>;
  /** Answers so far, by status. */
  answers(): ReadonlyMap<number, number>;
}

/** More headers than this are refused. */
const maxHeaders = 100;

/** How long the rest of a refused body is read and thrown away, so that the caller gets to read the answer. */
const lingerMs = 2_000;

/**
 * A node:http server that refuses what node:http lets through although it is no sound request: two Host headers,
 * absolute-form targets, HTTP/0.9, compressed bodies, expectations. What node refuses itself stays its own.
 */
export function createListener(
  listen: { host: string; port: number },
  handle: (ask: HttpAsk) => Promise<HttpAnswer>,
  limits: ListenerLimits = listenerLimits,
): Listener {
  const counts = new Map<number, number>();
  let stopping: Promise<void> | null = null;
  let url = '';
  const server = createServer({
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
    keepAliveTimeout: limits.keepAliveMs,
    insecureHTTPParser: false,
    noDelay: true,
  });
  server.maxConnections = limits.connections;
  server.maxHeadersCount = maxHeaders + 1;

  const serve = async (incoming: IncomingMessage, response: ServerResponse, expected: boolean) => {
    incoming.on('error', () => undefined);
    const answer = await answerTo(incoming, { handle, limits, expected });
    if (answer === null || response.destroyed) return;
    counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1);
    send(response, answer, stopping !== null);
    if (!incoming.complete) lingerThenCut(incoming);
  };
  const ask = (incoming: IncomingMessage, response: ServerResponse) => void serve(incoming, response, false);
  const refuseExpectation = (incoming: IncomingMessage, response: ServerResponse) =>
    void serve(incoming, response, true);
  server.on('request', ask);
  server.on('checkContinue', refuseExpectation);
  server.on('checkExpectation', refuseExpectation);

  return {
    get url() {
      return url;
    },
    async start() {
      await new Promise<void>((resolve, reject) => {
        const refuse = (error: Error) => reject(cannotListen(listen, error));
        server.once('error', refuse);
        server.listen(listen.port, listen.host, () => {
          server.off('error', refuse);
          resolve();
        });
      });
      url = urlOf(server);
    },
    stop() {
      stopping ??= drain(server, limits.drainMs);
      return stopping;
    },
    answers: () => counts,
  };
}

/** Why a port could not be taken, with what to do. */
function cannotListen(
  { host, port }: { host: string; port: number },
  error: NodeJS.ErrnoException,
): AppError {
  const reasons: Record<string, [string, string]> = {
    EADDRINUSE: [
      'another program listens there',
      `ss -ltnp 'sport = :${port}' names it; stop it, or give invsync another port in the configuration`,
    ],
    EACCES: [
      'only root may listen below port 1024',
      'take a port from 1024 on, and let a proxy (nginx, Caddy) listen on 80 or 443',
    ],
    EADDRNOTAVAIL: [
      'this machine has no such address',
      'ip addr shows its addresses; 0.0.0.0 takes all of them',
    ],
  };
  const [reason, hint] = reasons[error.code ?? ''] ?? [error.message, 'check server.listen and admin.listen'];
  return new AppError('cannot_listen', `cannot listen on ${host}:${port}: ${reason}`, { hint, cause: error });
}

interface Serving {
  handle(ask: HttpAsk): Promise<HttpAnswer>;
  limits: ListenerLimits;
  /** The caller waits for a word before it sends the body. */
  expected: boolean;
}

async function answerTo(incoming: IncomingMessage, serving: Serving): Promise<HttpAnswer | null> {
  const refusal = serving.expected ? refused(417, 'send the body without waiting') : wireFault(incoming);
  if (refusal !== null) return refusal;
  const declared = Number(incoming.headers['content-length'] ?? 0);
  if (declared > serving.limits.bodyBytes) return tooLarge(serving.limits);
  const target = incoming.url ?? '/';
  const mark = target.indexOf('?');
  let hungUp = false;
  const answer = await serving.handle({
    method: incoming.method ?? 'GET',
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? '' : target.slice(mark + 1),
    headers: joinedHeaders(incoming),
    body: async () => {
      const body = await readBody(incoming, serving.limits);
      hungUp = body === null;
      return body ?? refused(400, 'the caller hung up');
    },
  });
  return hungUp ? null : answer;
}

/** What makes a request unsound although node parsed it; null when nothing does. */
function wireFault(incoming: IncomingMessage): HttpAnswer | null {
  const { rawHeaders, httpVersion } = incoming;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return refused(400, 'HTTP/1.1 is spoken here');
  if (rawHeaders.length / 2 > maxHeaders) return refused(431, `more than ${maxHeaders} headers`);
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.toLowerCase() === 'host') hosts += 1;
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) return refused(400, 'exactly one Host header');
  if (!(incoming.url ?? '').startsWith('/')) return refused(400, 'the target must be a path');
  const encoding = incoming.headers['content-encoding'];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
    return refused(415, 'compressed bodies are not taken');
  }
  return null;
}

/** All values of every header: node drops repeats of some, and an adapter must see that a signature came twice. */
function joinedHeaders(incoming: IncomingMessage): Readonly<Record<string, string>> {
  const joined: Record<string, string> = Object.create(null);
  const { rawHeaders } = incoming;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase();
    const value = rawHeaders[i + 1] ?? '';
    const before = joined[name];
    joined[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return joined;
}

function readBody(incoming: IncomingMessage, limits: ListenerLimits): Promise<Buffer | HttpAnswer | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limits.bodyBytes) chunks.push(chunk);
      else {
        chunks.length = 0;
        resolve(tooLarge(limits));
      }
    });
    incoming.on('end', () => resolve(Buffer.concat(chunks)));
    incoming.on('close', () => resolve(null));
  });
}

function tooLarge(limits: ListenerLimits): HttpAnswer {
  return { ...refused(413, `at most ${limits.bodyBytes} bytes`), close: true };
}

export function json(status: number, value: unknown): HttpAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

/** An error as every listener tells it. */
export function refused(status: number, message: string, code = codeOf(status)): HttpAnswer {
  return json(status, { error: { code, message } });
}

export function notAllowed(allow: 'GET' | 'POST', message = `only ${allow}`): HttpAnswer {
  return withHeader(refused(405, message), 'allow', allow);
}

/** Nothing is wrong with the request: it may come again. */
export function tryAgain(message: string, code?: string): HttpAnswer {
  return withHeader(refused(503, message, code), 'retry-after', '5');
}

export function withHeader(answer: HttpAnswer, name: string, value: string): HttpAnswer {
  return { ...answer, headers: { ...answer.headers, [name]: value } };
}

function codeOf(status: number): string {
  const codes: Readonly<Record<number, string>> = {
    401: 'unauthorized',
    403: 'forbidden',
    404: 'not_found',
    405: 'method_not_allowed',
    413: 'too_large',
    415: 'unsupported_media_type',
    417: 'expectation_failed',
    431: 'headers_too_large',
    500: 'internal',
    503: 'unavailable',
  };
  return codes[status] ?? 'bad_request';
}

function send(response: ServerResponse, answer: HttpAnswer, stopping: boolean): void {
  const body = Buffer.from(answer.body, 'utf8');
  // A refused body is still on its way: node's own "close" would reset the connection before the answer is read.
  const cut = stopping && answer.close !== true;
  response.writeHead(answer.status, {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-length': body.length,
    ...(cut ? { connection: 'close' } : {}),
    ...answer.headers,
  });
  response.end(body);
}

/** The rest of a request that was answered early is thrown away for a while; then the connection goes. */
function lingerThenCut(incoming: IncomingMessage): void {
  const cut = () => {
    if (!incoming.complete) incoming.socket.destroy();
  };
  setTimeout(cut, lingerMs).unref();
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

async function drain(server: Server, drainMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const timer = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearTimeout(timer);
}
