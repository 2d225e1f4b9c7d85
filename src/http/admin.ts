import type { Json } from '../channels/channel.ts';
import { AppError, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import {
  createListener,
  type HttpAnswer,
  type HttpAsk,
  json,
  type Listener,
  type ListenerLimits,
  listenerLimits,
  notAllowed,
  refused,
  tryAgain,
  withHeader,
} from './listener.ts';
import type { Metrics } from './metrics.ts';
import { type ReservationWorld, serveReservations } from './reservations.ts';
import { sameText } from './token.ts';

/** What the admin listener shows and does; all of it handed in. */
export interface AdminWorld extends ReservationWorld {
  log: Log;
  /** What ended although the process goes on; null while it lives. */
  broken(): string | null;
  /** Can it write, does the worker run. A channel that is down does not make it unready. */
  ready(): Promise<{ ready: boolean; checks: { name: string; ok: boolean; detail: string }[] }>;
  /** As `status --json` prints it. */
  status(): Promise<unknown>;
  /** As `stock show --json` prints it; null: no such SKU. */
  stock(sku: string): Promise<Json | null>;
  /** As `alerts list --json` prints the newest open ones. */
  alerts(): Promise<unknown>;
  metrics: Metrics;
  /** The page for people; null: the path is none of its. */
  page(ask: HttpAsk, caller: Caller): Promise<HttpAnswer | null>;
}

/** Where it listens and who may ask. Without a token only this machine's own names are answered to. */
export interface AdminListen {
  host: string;
  port: number;
  token: string | null;
}

/** The listener for people and programs of the house. */
export function createAdminListener(
  world: AdminWorld,
  listen: AdminListen,
  limits: ListenerLimits = listenerLimits,
): Listener {
  return createListener(
    listen,
    async (ask) => {
      try {
        return await admit(world, ask, listen);
      } catch (error) {
        return failed(world, error);
      }
    },
    limits,
  );
}

function failed(world: AdminWorld, error: unknown): HttpAnswer {
  world.log.error({ error: messageOf(error) }, 'admin request failed');
  if (error instanceof AppError && (error.code === 'store_full' || error.code === 'store_busy'))
    return tryAgain(error.message, error.code);
  return refused(500, 'internal error; the log tells more');
}

/** Probes carry no token and tell no secret. */
const open = new Set(['/healthz', '/readyz']);

/** Who asks, as far as the listener can tell. */
export interface Caller {
  /** Brought the admin token, or none is set. */
  trusted: boolean;
  /** Sits at this machine: the listener takes nobody else, the name is this machine's, and no proxy stands between. */
  local: boolean;
}

/**
 * Who may not ask at all: scripts of other pages (an `Origin`), and other names for this machine (DNS rebinding). No
 * CORS header is ever sent.
 */
function strangerAt(ask: HttpAsk, listen: AdminListen): HttpAnswer | null {
  if (ask.headers['origin'] !== undefined) return refused(403, 'no browser pages');
  if (isLoopbackName(listen.host) && !isLoopbackName(hostOf(ask.headers['host'] ?? ''))) {
    return refused(403, 'this listener answers to localhost, 127.0.0.1 and [::1] only');
  }
  return null;
}

const proxyHeaders = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

function callerOf(ask: HttpAsk, listen: AdminListen): Caller {
  const given = /^Bearer ([^\s]{1,1000})$/i.exec(ask.headers['authorization'] ?? '')?.[1] ?? '';
  return {
    trusted: listen.token === null || sameText(given, listen.token),
    local: isLoopbackName(listen.host) && proxyHeaders.every((name) => ask.headers[name] === undefined),
  };
}

async function admit(world: AdminWorld, ask: HttpAsk, listen: AdminListen): Promise<HttpAnswer> {
  const stranger = strangerAt(ask, listen);
  if (stranger !== null) return stranger;
  const caller = callerOf(ask, listen);
  const page = await world.page(ask, caller);
  if (page !== null) return page;
  if (caller.trusted || open.has(ask.path)) return await serve(world, ask);
  return withHeader(refused(401, 'a bearer token is required'), 'www-authenticate', 'Bearer');
}

function hostOf(header: string): string {
  return header.replace(/:\d{1,5}$/, '');
}

function isLoopbackName(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return bare === 'localhost' || bare === '::1' || /^127(\.\d{1,3}){3}$/.test(bare);
}

async function serve(world: AdminWorld, ask: HttpAsk): Promise<HttpAnswer> {
  const reserved = await serveReservations(world, ask);
  if (reserved !== null) return reserved;
  const sku = skuIn(ask.path);
  const page = sku === null ? pages.get(ask.path) : () => stockPage(world, sku);
  if (page === undefined) return refused(404, 'nothing is served here');
  return ask.method === 'GET' ? page(world) : notAllowed('GET');
}

const pages = new Map<string, (world: AdminWorld) => Promise<HttpAnswer>>([
  ['/healthz', healthPage],
  ['/readyz', readyPage],
  ['/metrics', metricsPage],
  ['/api/v1/status', async (world) => json(200, await world.status())],
  ['/api/v1/alerts', async (world) => json(200, await world.alerts())],
]);

async function healthPage(world: AdminWorld): Promise<HttpAnswer> {
  const reason = world.broken();
  return reason === null ? json(200, { status: 'ok' }) : json(503, { status: 'broken', reason });
}

async function readyPage(world: AdminWorld): Promise<HttpAnswer> {
  const { ready, checks } = await world.ready();
  return json(ready ? 200 : 503, { status: ready ? 'ok' : 'not ready', checks });
}

async function metricsPage({ metrics }: AdminWorld): Promise<HttpAnswer> {
  return { status: 200, headers: { 'content-type': metrics.contentType }, body: await metrics.text() };
}

async function stockPage(world: AdminWorld, sku: string): Promise<HttpAnswer> {
  const stock = await world.stock(sku);
  return stock === null ? refused(404, `no SKU "${sku}"`, 'unknown_sku') : json(200, stock);
}

function skuIn(path: string): string | null {
  const found = /^\/api\/v1\/stock\/([^/]{1,1000})$/.exec(path)?.[1];
  if (found === undefined) return null;
  try {
    return decodeURIComponent(found);
  } catch {
    return null;
  }
}
