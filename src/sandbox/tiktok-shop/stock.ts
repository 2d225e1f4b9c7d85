import { platformMs } from '../kit/time.ts';
import type { Holding, Sku, State, StockLevel, Unit } from './state.ts';

/** How numbers move (TTS-9): a sale moves available to committed, a cancel back, shipping ends it. */
export type Stock = ReturnType<typeof createStock>;

const lowStock = 3;

/** Units that can be ordered, whatever their warehouse's state; a combo's come from its parts. */
export function availableOf(sku: Sku): number {
  if (sku.parts.length > 0) {
    return Math.min(...sku.parts.map(({ sku: part, count }) => Math.floor(availableOf(part) / count)));
  }
  return sku.holdings.reduce((sum, { available }) => sum + available, 0);
}

/** Units ordered that have not left. */
export function committedOf(sku: Sku): number {
  return sku.holdings.reduce((sum, { committed }) => sum + committed, 0);
}

/** The platform's word for a number. */
export function levelOf(available: number): StockLevel {
  if (available === 0) return 'OUT_OF_STOCK';
  return available <= lowStock ? 'LOW_STOCK' : 'SUFFICIENT_STOCK';
}

/**
 * The number that the API shows of a SKU: available, net of orders (TTS-3.2), summed over the managed warehouses;
 * null when none of them holds it.
 */
export function shownOf(sku: Sku, managed: readonly { id: string }[]): number | null {
  if (sku.parts.length > 0) return availableOf(sku);
  const own = sku.holdings.filter(({ warehouse }) => managed.some(({ id }) => id === warehouse.id));
  return own.length === 0 ? null : own.reduce((sum, { available }) => sum + available, 0);
}

/** `crossed` hears of each SKU whose level changed (topic 27). */
export function createStock(state: State, crossed: (sku: Sku) => void) {
  /** Remembers what the product search goes on showing (TTS-3.1). */
  const remember = (sku: Sku) => {
    const now = state.now();
    if (sku.stale !== null && sku.stale.until > now) return;
    const lagMs =
      state.faults.dueMs('search_lag') ?? platformMs(state.random.int(500, 5_000), state.timeScale);
    const shown = new Map(sku.holdings.map((each) => [each.warehouse.id, each.available]));
    sku.stale = { until: now + lagMs, shown };
  };

  const settle = (sku: Sku) => {
    sku.campaign = Math.min(sku.campaign, availableOf(sku));
    sku.creator = Math.min(sku.creator, availableOf(sku) - sku.campaign);
    const combos = [...state.skus.values()].filter(({ parts }) => parts.some((part) => part.sku === sku));
    for (const each of [sku, ...sku.sharedWith, ...combos]) {
      const level = levelOf(availableOf(each));
      if (level === each.level) continue;
      each.level = level;
      crossed(each);
    }
  };

  const takeOne = (sku: Sku): Unit['takes'][number] | null => {
    const holding = sku.holdings.find(({ available }) => available > 0) ?? sku.holdings[0];
    if (holding === undefined) return null;
    remember(sku);
    const fromShelf = holding.available > 0;
    if (fromShelf) holding.available -= 1;
    holding.committed += 1;
    settle(sku);
    return { holding, fromShelf };
  };

  const ownerOf = (holding: Holding): Sku | undefined =>
    [...state.skus.values()].find(({ holdings }) => holdings.includes(holding));

  return {
    /** Commits one unit; where nothing is left (a forced sale) available stays 0. */
    take(sku: Sku): Unit['takes'] {
      const pieces =
        sku.parts.length === 0
          ? [sku]
          : sku.parts.flatMap((part) => Array.from({ length: part.count }, () => part.sku));
      return pieces.flatMap((piece) => takeOne(piece) ?? []);
    },
    /** Units that were taken from the shelf are available again. */
    giveBack(unit: Unit): void {
      for (const { holding, fromShelf } of unit.takes) {
        const owner = ownerOf(holding);
        if (owner !== undefined) remember(owner);
        holding.committed -= 1;
        if (fromShelf) holding.available += 1;
        if (owner !== undefined) settle(owner);
      }
      unit.takes = [];
    },
    /** The unit has left its warehouse. */
    ship(unit: Unit): void {
      for (const { holding } of unit.takes) holding.committed -= 1;
      unit.takes = [];
    },
    /** Sets available in these warehouses: a write, or a hand edit. */
    put(sku: Sku, numbers: readonly { holding: Holding; available: number }[]): void {
      remember(sku);
      for (const { holding, available } of numbers) holding.available = available;
      settle(sku);
    },
  };
}
