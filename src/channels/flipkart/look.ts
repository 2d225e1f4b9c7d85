import { z } from 'zod';
import { ChannelError } from '../errors.ts';
import type { Priority } from '../kit/pace.ts';
import type { Answer } from './api.ts';
import { skusPerCall } from './capabilities.ts';
import { Refusal } from './failures.ts';
import { isAddressable, Row, unaddressable } from './row.ts';
import type { Shop } from './shop.ts';

/**
 * What a live read found of one SKU. `absent`: Flipkart said that it has no such listing. `unread`: it is there in a form
 * that cannot be read, Flipkart will not hear of such a SKU, or it cannot be asked for. `left out`: the answer does not name it at all. `why`: in words.
 */
export interface Look {
  kind: 'found' | 'absent' | 'unread' | 'left out';
  row: Row | null;
  why: string | null;
  askedAt: number;
  answeredAt: number;
}

/** How urgent a read is, and what ends it. */
export interface Manner {
  priority: Priority;
  signal: AbortSignal;
}

/** An answer without any of the three says nothing, and does not say that there is nothing. */
const Listings = z
  .object({
    available: z.record(z.string(), z.unknown()).nullish(),
    unavailable: z.array(z.unknown()).nullish().catch(null),
    invalid: z.array(z.unknown()).nullish().catch(null),
  })
  .refine(({ available, unavailable, invalid }) => available ?? unavailable ?? invalid);

/**
 * Live rows by SKU, ten a request (FK-3.2); every wanted SKU has an entry. A request that Flipkart refuses is
 * halved down to the SKU that it does not take. Throws `ChannelError`.
 */
export async function lookUp(
  shop: Shop,
  skus: readonly string[],
  manner: Manner,
): Promise<Map<string, Look>> {
  const found = new Map<string, Look>();
  const wanted = [...new Set(skus)];
  const now = shop.deps.clock.now();
  for (const sku of wanted.filter((each) => !isAddressable(each))) {
    found.set(sku, { kind: 'unread', row: null, why: unaddressable, askedAt: now, answeredAt: now });
  }
  const sound = wanted.filter(isAddressable);
  const queue: string[][] = [];
  for (let at = 0; at < sound.length; at += skusPerCall) queue.push(sound.slice(at, at + skusPerCall));
  for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
    const halves = await lookUpSome(shop, batch, manner, found);
    queue.unshift(...halves);
  }
  return found;
}

/** One request. Answers what must be asked again in smaller parts. */
async function lookUpSome(
  shop: Shop,
  skus: string[],
  manner: Manner,
  found: Map<string, Look>,
): Promise<string[][]> {
  const askedAt = shop.deps.clock.now();
  try {
    const answer = await ask(shop, skus, manner);
    for (const sku of skus) found.set(sku, lookOf(sku, answer));
    return [];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const half = Math.ceil(skus.length / 2);
    if (skus.length > 1) return [skus.slice(0, half), skus.slice(half)];
    // A refusal is no word that there is no such listing, except where it says just that.
    const kind = error.status === 404 ? 'absent' : 'unread';
    const answeredAt = shop.deps.clock.now();
    for (const sku of skus) found.set(sku, { kind, row: null, why: error.message, askedAt, answeredAt });
    return [];
  }
}

function ask(
  shop: Shop,
  skus: string[],
  { priority, signal }: Manner,
): Promise<Answer<z.infer<typeof Listings>>> {
  const path = `/listings/v3/${skus.map(encodeURIComponent).join(',')}`;
  return shop.api.call({ family: 'listings', method: 'GET', path, data: Listings, priority }, signal);
}

function lookOf(sku: string, answer: Answer<z.infer<typeof Listings>>): Look {
  const { askedAt, answeredAt, data } = answer;
  const span = { askedAt, answeredAt };
  if ((data.unavailable ?? []).includes(sku))
    return { ...absent('the account does not list this SKU'), ...span };
  if ((data.invalid ?? []).includes(sku)) return { ...absent('Flipkart calls this SKU malformed'), ...span };
  const available = data.available ?? {};
  const entry = Object.hasOwn(available, sku) ? available[sku] : undefined;
  if (typeof entry !== 'object' || entry === null)
    return { kind: 'left out', row: null, why: 'Flipkart’s answer leaves this SKU out', ...span };
  const row = Row.safeParse(entry);
  if (row.success) return { kind: 'found', row: row.data, why: null, ...span };
  return {
    kind: 'unread',
    row: null,
    why: 'Flipkart shows this listing in a form that cannot be read',
    ...span,
  };
}

function absent(why: string): Pick<Look, 'kind' | 'row' | 'why'> {
  return { kind: 'absent', row: null, why };
}

/** The look of a SKU that was asked for. */
export function lookAt(looks: ReadonlyMap<string, Look>, sku: string): Look {
  const look = looks.get(sku);
  if (look === undefined) throw new ChannelError('retry', 'a listing was not read');
  return look;
}
