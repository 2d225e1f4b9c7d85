import type { PushLine } from '../../../src/channels/channel.ts';
import { FlipkartConfig } from '../../../src/channels/flipkart/config.ts';
import { flipkart } from '../../../src/channels/flipkart/index.ts';
import {
  type Call,
  changed,
  lineOf,
  type Reply,
  type Stage,
  type StageOptions,
  stageOf,
} from '../../kit/stage.ts';
import type { Door } from '../kit/door.ts';

export const here = 'LOC8bdd7abceca4423a839d935584ee6f19';
export const elsewhere = 'LOC0000000000000000000000000000beef';
export const publicUrl = 'https://sync.example.com';
export const tokenPath = '/oauth-service/oauth/token';
export const searchPath = '/sellers/listings/v3/search';
export const updatePath = '/sellers/listings/v3/update/inventory';
export const filterPath = '/sellers/v3/shipments/filter';

const config = { app_id: 'app-id', app_secret: 'app-secret-1', location: here };

/** A sound configuration with some keys changed. */
export function configOf(change: Record<string, unknown> = {}): FlipkartConfig {
  return FlipkartConfig.parse(changed(config, change));
}

/** A loopback server that answers by the script, and a channel at it. Both end with the test. */
export function stage(script: (call: Call) => Reply | undefined, options: StageOptions = {}): Promise<Stage> {
  const deps = { name: 'fk-shop', publicUrl, ...options.deps };
  const answer = (call: Call) => script(call) ?? (call.path === tokenPath ? grant : undefined);
  return stageOf(flipkart, config, answer, { ...options, deps });
}

/** A fresh token, as the endpoint hands it out (FK-1.2). */
export const grant: Reply = {
  json: { access_token: 'token-1', token_type: 'bearer', expires_in: 5_183_999, scope: 'Seller_Api' },
};

/** A line for a SKU, as the catalogue names it. */
export function line(sku: string, quantity: number, base: number | null): PushLine {
  return lineOf({ listingId: sku, counterKey: sku, channelSku: sku, facts: null }, quantity, base);
}

export function fsnOf(sku: string): string {
  return `FSN${sku.replace(/\W/g, '').toUpperCase().padEnd(10, 'X')}`.slice(0, 16);
}

/** A listing of the account (FK-3.2). `status`, `inventory`: at our location. */
export interface Sku {
  sku: string;
  inventory: number;
  status?: string | null;
  profile?: string;
  archived?: string;
  fsn?: string | null;
  /** Replaces the whole object. */
  row?: unknown;
}

/** An account that answers as documented (FK-3 and FK-4) and obeys writes. */
export interface Account {
  skus: Sku[];
  /** Answers FAILURE for these, with a description. */
  failing: Map<string, string>;
  /** Any request that names one of these is refused with 400. */
  poison: Set<string>;
  /** Left out of the answer to a write so many times, and not obeyed. */
  leftOut: Map<string, number>;
  writes: Record<string, { product_id: string; locations: Record<string, unknown>[] }>[];
}

export function account(skus: Sku[]): Account {
  return { skus, failing: new Map(), poison: new Set(), leftOut: new Map(), writes: [] };
}

/** The script of an account. */
export function answers(state: Account): (call: Call) => Reply | undefined {
  return (call) => {
    if (call.path === searchPath) return searchReply(state, call);
    if (call.path === updatePath) return updateReply(state, call);
    if (call.method === 'GET' && call.path.startsWith('/sellers/listings/v3/')) return lookReply(state, call);
    return undefined;
  };
}

function searchReply(state: Account, call: Call): Reply {
  const { page_id: pageId } = call.body as { page_id: string | null };
  const from = pageId === null ? 0 : Number(pageId.slice(1));
  const rows = state.skus.slice(from, from + 500);
  const more = from + 500 < state.skus.length;
  return {
    json: {
      has_more: more,
      ...(more ? { next_page_id: `p${from + 500}` } : {}),
      listings: rows.map(({ sku, fsn }) => ({
        listing_id: `LST-${sku}`,
        product_id: fsn ?? fsnOf(sku),
        sku_id: sku,
      })),
    },
  };
}

function lookReply(state: Account, call: Call): Reply {
  const skus = call.path.slice('/sellers/listings/v3/'.length).split(',').map(decodeURIComponent);
  if (skus.length > 10 || skus.some((sku) => state.poison.has(sku)))
    return { status: 400, json: { errors: [{ code: 1000, description: 'bad request' }] } };
  const known = skus.flatMap((sku) => state.skus.find((each) => each.sku === sku) ?? []);
  const available = Object.fromEntries(known.map((each) => [each.sku, each.row ?? rowOf(each)]));
  const unavailable = skus.filter((sku) => !known.some((each) => each.sku === sku));
  return { json: { available: { ...available, orders_to_be_fulfilled: 3 }, unavailable, invalid: [] } };
}

function rowOf({ sku, inventory, status = 'ENABLED', profile = 'NON_FBF', archived = 'NONE', fsn }: Sku) {
  return {
    listing_id: `LST-${sku}`,
    product_id: fsn === undefined ? fsnOf(sku) : fsn,
    listing_status: 'ACTIVE',
    fulfillment_profile: profile,
    archived_status: archived,
    locations: [
      { id: elsewhere, status: 'ENABLED', inventory: 77, pending_inventory: 0 },
      { id: here, ...(status === null ? {} : { status }), inventory, pending_inventory: 2 },
    ],
  };
}

function updateReply(state: Account, call: Call): Reply {
  const body = call.body as Account['writes'][number];
  const skus = Object.keys(body);
  if (skus.length > 10 || skus.some((sku) => state.poison.has(sku))) return { status: 400, json: {} };
  state.writes.push(body);
  const results = skus.flatMap((sku) => {
    const gaps = state.leftOut.get(sku) ?? 0;
    state.leftOut.set(sku, gaps - 1);
    return gaps > 0 ? [] : [[sku, resultOf(state, sku, body[sku]?.locations[0]?.['inventory'])]];
  });
  return { json: Object.fromEntries(results) };
}

function resultOf(state: Account, sku: string, inventory: unknown) {
  const found = state.skus.find((each) => each.sku === sku);
  const why = found === undefined ? 'no such listing' : state.failing.get(sku);
  if (why !== undefined) {
    const fault = { severity: 'ERROR', code: 2001, description: why, attribute: 'x', path: 'y' };
    return { status: 'FAILURE', errors: [fault], attribute_errors: [] };
  }
  if (found !== undefined) found.inventory = Number(inventory);
  return { status: 'SUCCESS', errors: [], attribute_errors: [] };
}

/** An order item with defaults (FK-5.2). */
export function item(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    orderItemId: '11764530300990000',
    orderId: 'OD11764530300990000',
    orderDate: '2026-11-23T17:00:00+05:30',
    paymentType: 'COD',
    status: 'APPROVED',
    quantity: 2,
    fsn: fsnOf('MUG-RED'),
    sku: 'MUG-RED',
    listingId: 'LST-MUG-RED',
    title: 'A mug',
    packageIds: ['p1', 'p2', 'p3'],
    serviceProfile: 'NON_FBF',
    is_replacement: false,
    ...change,
  };
}

/** A shipment with defaults (FK-5.2). */
export function shipment(id: string, change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    shipmentId: id,
    dispatchByDate: '2026-11-25T17:00:00+05:30',
    dispatchAfterDate: '2026-11-24T17:00:00+05:30',
    updatedAt: '2026-11-23T17:10:00+05:30',
    locationId: here,
    hold: false,
    mps: false,
    subShipments: [],
    forms: [],
    orderItems: [item()],
    deliveryAddress: { firstName: 'Canary', phone: '555-0199' },
    ...change,
  };
}

/** The door for the suites that all adapters share. */
export const door: Door = {
  type: 'flipkart',
  definition: flipkart as unknown as Door['definition'],
  config,
  good: answers(account([{ sku: 'MUG-RED', inventory: 5 }])),
  line: line('MUG-RED', 4, 5),
  isWrite: ({ path }) => path === updatePath,
  limited: (headers) => ({ status: 429, json: {}, headers }),
  tokens: {
    isGrant: ({ path }) => path === tokenPath,
    grant: (token, seconds) => ({ json: { access_token: token, expires_in: seconds } }),
    tokenIn: ({ headers }) => headers.authorization?.replace('Bearer ', ''),
    refused: { status: 401, json: {} },
    denied: { status: 401, json: { error: 'invalid_client' } },
  },
};
