import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import { allOf, Flag, Text } from '../kit/shapes.ts';
import type { Api } from './account.ts';
import type { TikTokShopConfig } from './config.ts';
import { Id } from './ids.ts';

const Warehouse = z.object({
  id: Id,
  name: Text,
  type: Text,
  effect_status: Text,
  is_default: Flag,
});
/** A place. One that ships and takes returns is listed twice under two ids (TTS-3.3). */
export type Warehouse = z.infer<typeof Warehouse>;
const Page = z.object({ warehouses: allOf(Warehouse) });

/** The number of one SKU in one warehouse. */
export interface Level {
  warehouseId: string;
  available: number;
}

/** Where numbers may be written. */
export interface Sites {
  all: readonly Warehouse[];
  /** Is the number of this warehouse ours to change? */
  isManaged(warehouseId: string): boolean;
  /** Is it known to hold no stock for sale? */
  isReturns(warehouseId: string): boolean;
  /** Order in which stock is added; it is taken away from the end. Unknown ones come last. */
  rank(warehouseId: string): number;
  /** Where a SKU begins that is in none of our warehouses yet; null: TikTok's only one. */
  home: string | null;
}

/** The shop's warehouses, kept for an hour. */
export interface Warehouses {
  known(signal: AbortSignal): Promise<Sites>;
  fresh(signal: AbortSignal): Promise<Sites>;
}

const keptMs = 3_600_000;

export function createWarehouses(config: TikTokShopConfig, api: Api, clock: Clock): Warehouses {
  let kept: { sites: Sites; at: number } | null = null;
  const fresh = async (signal: AbortSignal): Promise<Sites> => {
    const { data } = await api.call(
      { method: 'GET', path: '/logistics/202309/warehouses', data: Page, priority: 'push' },
      signal,
    );
    const sites = sitesOf(config.warehouses, data.warehouses);
    kept = { sites, at: clock.now() };
    return sites;
  };
  return {
    fresh,
    known: async (signal) => (kept !== null && clock.now() - kept.at < keptMs ? kept.sites : fresh(signal)),
  };
}

/** `wanted`: the configured ids; none means every warehouse that takes no returns. */
export function sitesOf(wanted: readonly string[], all: readonly Warehouse[]): Sites {
  const returns = new Set(all.filter(({ type }) => type === 'RETURN_WAREHOUSE').map(({ id }) => id));
  const sales = all.filter(({ id }) => !returns.has(id));
  const order = wanted.length > 0 ? [...wanted] : [...sales].sort(byUse).map(({ id }) => id);
  const isManaged = (id: string) => !returns.has(id) && (wanted.length === 0 || wanted.includes(id));
  return {
    all,
    isManaged,
    isReturns: (id) => returns.has(id),
    rank: (id) => (order.includes(id) ? order.indexOf(id) : order.length),
    home: order.find(isManaged) ?? null,
  };
}

/** Open ones first, then the default one. */
function byUse(a: Warehouse, b: Warehouse): number {
  const weight = ({ effect_status: status, is_default: isDefault }: Warehouse) =>
    (status === 'ENABLED' || !status ? 0 : 2) + (isDefault === true ? 0 : 1);
  return weight(a) - weight(b);
}

/** What the channel shows of a SKU: the sum over the managed warehouses, never the total (TTS-3.2). */
export function shownOf(levels: readonly Level[], sites: Sites): number {
  return levels
    .filter(({ warehouseId }) => sites.isManaged(warehouseId))
    .reduce((sum, { available }) => sum + available, 0);
}

/**
 * Every warehouse that holds the SKU, with its new number: an update that leaves one out is refused (TTS-4).
 * Managed ones sum up to `quantity`; what is added goes to the first, what is taken comes from the last, so that the
 * merchant's own split stays. Others are repeated as they were read.
 */
export function spread(
  levels: readonly Level[],
  quantity: number,
  sites: Sites,
): { warehouse_id?: string; quantity: number }[] {
  const rows = levels
    .filter(({ warehouseId }) => !sites.isReturns(warehouseId))
    .map(({ warehouseId, available }) => ({ warehouse_id: warehouseId, quantity: Math.max(0, available) }))
    .sort((a, b) => sites.rank(a.warehouse_id) - sites.rank(b.warehouse_id));
  const mine = rows.filter((row) => sites.isManaged(row.warehouse_id));
  const [first] = mine;
  if (first === undefined) {
    const home = sites.home === null ? {} : { warehouse_id: sites.home };
    return [...rows, { ...home, quantity }];
  }
  let change = quantity - mine.reduce((sum, row) => sum + row.quantity, 0);
  if (change > 0) first.quantity += change;
  for (const row of mine.reverse()) {
    if (change >= 0) break;
    const taken = Math.min(row.quantity, -change);
    row.quantity -= taken;
    change += taken;
  }
  return rows;
}
