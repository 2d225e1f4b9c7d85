/** A seeded source of chance (mulberry32): the same seed gives the same shop. Not for secrets. */
export interface Random {
  /** 0 <= x < 1 */
  next(): number;
  /** Integer, low <= n <= high. */
  int(low: number, high: number): number;
  chance(rate: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** `length` lower-case hex digits. */
  hex(length: number): string;
  /** An independent stream. */
  fork(label: string): Random;
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const int = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    int,
    chance: (rate) => next() < rate,
    pick: (items) => {
      const item = items[int(0, items.length - 1)];
      if (item === undefined) throw new Error('pick from an empty list');
      return item;
    },
    hex: (length) => Array.from({ length }, () => int(0, 15).toString(16)).join(''),
    fork: (label) => {
      let hash = seed ^ 0x9e3779b9;
      for (const char of label) hash = Math.imul(hash ^ char.charCodeAt(0), 16777619);
      return createRandom(hash >>> 0);
    },
  };
}
