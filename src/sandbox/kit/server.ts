import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError, messageOf } from '../../errors.ts';
import type { Shop } from '../shop.ts';

/** A request as a shop sees it. `body` is raw. */
export interface ShopRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  rawTarget: string;
  headers: Record<string, string>;
  body: Buffer;
  /** Cuts the connection without an answer. */
  hangUp(): void;
  /** The caller has hung up: nobody reads an answer. */
  gone(): boolean;
}

export interface ShopAnswer {
  status: number;
  headers?: Record<string, string>;
  body: string | Buffer;
}

/** A call that the platform refuses, and how: thrown by a handler, answered at the door. */
export class Refused extends Error {
  readonly answer: ShopAnswer;

  constructor(message: string, answer: ShopAnswer) {
    super(message);
    this.answer = answer;
  }
}

/** What a call is answered, be it a refusal. */
export async function answered<Answer>(run: () => Answer | Promise<Answer>): Promise<Answer | ShopAnswer> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Refused) return error.answer;
    throw error;
  }
}

/** `null`: the connection was cut, nothing is answered. */
export type ShopHandler = (request: ShopRequest) => Promise<ShopAnswer | null>;

/** A loopback server in front of a shop's handler; serves `/_sandbox/…` for every shop alike. */
export class ShopServer {
  readonly #server: Server;
  readonly #port: number;
  url = '';

  constructor(port: number, shop: () => Shop, handler: ShopHandler) {
    this.#port = port;
    this.#server = createServer((incoming, response) => {
      void serve(incoming, response, shop(), handler);
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

async function serve(
  incoming: IncomingMessage,
  response: ServerResponse,
  shop: Shop,
  handler: ShopHandler,
): Promise<void> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const target = new URL(incoming.url ?? '/', 'http://shop');
    const request: ShopRequest = {
      method: incoming.method ?? 'GET',
      path: target.pathname,
      query: target.searchParams,
      rawTarget: incoming.url ?? '/',
      headers: Object.fromEntries(Object.entries(incoming.headers).map(([k, v]) => [k, String(v)])),
      body: Buffer.concat(chunks),
      hangUp: () => incoming.socket.destroy(),
      gone: () => incoming.socket.destroyed,
    };
    const shared = request.path.startsWith('/_sandbox/') ? sandboxRoute(request, shop) : null;
    const answer = shared ?? (await handler(request));
    if (answer === null) return;
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
    response.end(answer.body);
  } catch (error) {
    if (response.headersSent || incoming.socket.destroyed) return;
    const known = error instanceof AppError;
    response.writeHead(known ? 409 : 500, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({ error: { code: known ? error.code : 'sandbox', message: messageOf(error) } }),
    );
  }
}

/** Any value as an answer. */
export function jsonAnswer(status: number, value: unknown): ShopAnswer {
  return { status, body: JSON.stringify(value) };
}

/** What a verb of the sandbox is told. */
export function bodyOf({ body }: ShopRequest) {
  return body.length === 0 ? {} : JSON.parse(body.toString('utf8'));
}

/** The answer of a verb or record that all shops have; null: it may be one of this shop alone. */
function sandboxRoute(request: ShopRequest, shop: Shop): ShopAnswer | null {
  const verb = request.path.slice('/_sandbox/'.length);
  if (request.method === 'GET') {
    const records = shop.records();
    if (verb === 'orders') return jsonAnswer(200, records.orders);
    if (verb === 'calls') return jsonAnswer(200, records.calls);
    if (verb === 'listings') return jsonAnswer(200, records.listings);
    if (verb === 'pending') return jsonAnswer(200, { pending: shop.pending() });
    return jsonAnswer(404, { error: { code: 'not_found', message: `no record "${verb}"` } });
  }
  const input = bodyOf(request);
  if (verb === 'sell') {
    const lines = input.lines ?? [{ sku: input.sku, quantity: input.quantity ?? 1 }];
    const result = shop.sell({ ...input, lines });
    return jsonAnswer(result.sold ? 200 : 409, result);
  }
  const verbs: Record<string, () => void> = {
    cancel: () => shop.cancel(input),
    refund: () => shop.refund(input),
    edit: () => shop.edit(input),
    ship: () => shop.ship(input),
    set: () => shop.set(input),
    fault: () => shop.fault(input),
  };
  const act = verbs[verb];
  if (act === undefined) return null;
  act();
  return jsonAnswer(200, { ok: true });
}
