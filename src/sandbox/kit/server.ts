import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { AppError, messageOf } from '../../errors.ts';
import type { FaultRequest, SellRequest, Shop } from '../shop.ts';

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
    const status = known ? (error.code === 'bad_request' ? 400 : 409) : 500;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({ error: { code: known ? error.code : 'sandbox', message: messageOf(error) } }),
    );
  }
}

/** Any value as an answer. */
export function jsonAnswer(status: number, value: unknown): ShopAnswer {
  return { status, body: JSON.stringify(value) };
}

/** What a verb of the sandbox is told: a JSON object, or nothing. Throws AppError `bad_request` in words. */
export function bodyOf({ body }: ShopRequest) {
  if (body.length === 0) return {};
  try {
    const input = JSON.parse(body.toString('utf8'));
    if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input;
  } catch {
    // Told below.
  }
  throw new AppError('bad_request', 'the body is no JSON object');
}

const id = z.coerce.string().min(1);
const units = z.int().min(0);
const line = z.object({ sku: z.string().min(1), quantity: z.int().min(1) });

/** The fields of each verb that all shops have; a shop may know more, which are passed on. */
const verbs = {
  sell: z.looseObject({
    lines: z.array(line).min(1).optional(),
    sku: z.string().min(1).optional(),
    quantity: z.int().min(1).optional(),
    force: z.boolean().optional(),
  }),
  cancel: z.looseObject({ order_id: id, restock: z.boolean().optional() }),
  refund: z.looseObject({
    order_id: id,
    line_id: id.optional(),
    quantity: z.int().min(1),
    restock: z.boolean().default(false),
  }),
  edit: z.looseObject({ order_id: id, line_id: id, quantity: units }),
  ship: z.looseObject({ order_id: id }),
  set: z.looseObject({ sku: z.string().min(1), quantity: units }),
  fault: z.looseObject({
    name: z.string().min(1).optional(),
    rate: z.number().min(0).max(1).optional(),
    count: units.nullable().optional(),
    ms: z.number().min(0).optional(),
    clear: z.boolean().optional(),
  }),
} as const;

/** A body by its verb's fields. Throws AppError `bad_request` that names the field, and those that there are. */
function told<Verb extends keyof typeof verbs>(
  verb: Verb,
  request: ShopRequest,
): z.output<(typeof verbs)[Verb]> {
  const result = verbs[verb].safeParse(bodyOf(request));
  if (result.success) return result.data as z.output<(typeof verbs)[Verb]>;
  const [issue] = result.error.issues;
  const fields = Object.keys(verbs[verb].shape).join(', ');
  throw new AppError(
    'bad_request',
    `${verb}: ${issue?.path.join('.') || 'body'}: ${issue?.message}; fields: ${fields}`,
  );
}

/** The answer of a verb or record that all shops have; null: it may be one of this shop alone. */
function sandboxRoute(request: ShopRequest, shop: Shop): ShopAnswer | null {
  const verb = request.path.slice('/_sandbox/'.length);
  if (request.method === 'GET') return recordAnswer(verb, shop);
  if (verb === 'sell') return sellAnswer(request, shop);
  const acts: Record<string, () => void> = {
    cancel: () => shop.cancel(told('cancel', request) as Parameters<Shop['cancel']>[0]),
    refund: () => shop.refund(told('refund', request) as Parameters<Shop['refund']>[0]),
    edit: () => shop.edit(told('edit', request)),
    ship: () => shop.ship(told('ship', request)),
    set: () => shop.set(told('set', request)),
    fault: () => shop.fault(told('fault', request) as FaultRequest),
  };
  const act = Object.hasOwn(acts, verb) ? acts[verb] : undefined;
  if (act === undefined) return null;
  act();
  return jsonAnswer(200, { ok: true });
}

function recordAnswer(name: string, shop: Shop): ShopAnswer {
  if (name === 'pending') return jsonAnswer(200, { pending: shop.pending() });
  const records = shop.records();
  if (name === 'orders' || name === 'calls' || name === 'listings') return jsonAnswer(200, records[name]);
  return jsonAnswer(404, { error: { code: 'not_found', message: `no record "${name}"` } });
}

function sellAnswer(request: ShopRequest, shop: Shop): ShopAnswer {
  const { sku, quantity = 1, lines, ...rest } = told('sell', request);
  if (lines === undefined && sku === undefined)
    throw new AppError('bad_request', 'sell: lines: [{sku, quantity}], or sku with quantity, is required');
  const result = shop.sell({ ...rest, lines: lines ?? [{ sku: sku ?? '', quantity }] } as SellRequest);
  return jsonAnswer(result.sold ? 200 : 409, result);
}
