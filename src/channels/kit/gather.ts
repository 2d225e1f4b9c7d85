import type { Json, OrderPage } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import type { Answer } from './rest.ts';
import { chunksOf } from './write.ts';

/** An order of a list. `changedAt`: null when the row cannot be read; it is handed on as such, so that it is seen. */
export interface Gathered {
  id: string;
  item: Json;
  changedAt: number | null;
}

/** What is particular about a list that moves while it is read page by page. */
export interface GatherPlan<Page> {
  /** Names the list in messages. */
  what: string;
  /** One pass over the list. */
  pages(): AsyncIterable<Answer<Page>>;
  rows(page: Page): Gathered[];
  /** How many rows the platform counts on all pages; undefined or null: it does not tell. */
  total?(page: Page): number | null | undefined;
}

/** Span of a gathering: of its first question and its last answer; the platform's clock at the first. */
export interface GatheredSpan {
  askedAt: number;
  answeredAt: number;
  channelClock: number;
}

const mostPasses = 4;

/**
 * Reads a list into `found` until a pass saw all rows that the platform counts, or, where it counts none, until a pass over
 * several pages brought nothing new: a row that changes meanwhile moves, and may push others off their page. Of a row
 * that is seen twice the newer state counts, and one that can be read rather than one that cannot.
 */
export async function gather<Page>(
  plan: GatherPlan<Page>,
  found: Map<string, Gathered>,
): Promise<GatheredSpan> {
  let first: Answer<Page> | null = null;
  let answeredAt = 0;
  for (let pass = 0; pass < mostPasses; pass += 1) {
    const seen = new Set<string>();
    let total: number | null = null;
    let fresh = 0;
    let pages = 0;
    for await (const answer of plan.pages()) {
      first ??= answer;
      ({ answeredAt } = answer);
      pages += 1;
      total = plan.total?.(answer.data) ?? null;
      for (const row of plan.rows(answer.data)) {
        seen.add(row.id);
        if (keep(row, found)) fresh += 1;
      }
    }
    if (total === null ? pages === 1 || (pass > 0 && fresh === 0) : seen.size >= total) break;
  }
  if (first === null) throw new ChannelError('retry', `${plan.what} could not be read`);
  const { askedAt, channelClock } = first;
  return { askedAt, answeredAt, channelClock };
}

/** Whether the row says something new. Of two states of one moment the one that was read later is the newer. */
function keep(row: Gathered, found: Map<string, Gathered>): boolean {
  const known = found.get(row.id);
  const [was, is] = [known?.changedAt ?? null, row.changedAt];
  if (known !== undefined && is === null) return false;
  if (was === null || is === null || was <= is) found.set(row.id, row);
  return known === undefined || (was !== null && is !== null && was < is);
}

/** Hands out what was gathered, oldest change first, rows that cannot be read before all others. */
export function* handedOut(found: Iterable<Gathered>, span: GatheredSpan, size = 100): Generator<OrderPage> {
  const { askedAt, answeredAt, channelClock } = span;
  const items = [...found].sort((a, b) => (a.changedAt ?? 0) - (b.changedAt ?? 0)).map(({ item }) => item);
  const pages = items.length === 0 ? [[]] : chunksOf(items, size);
  for (const [at, page] of pages.entries())
    yield { items: page, askedAt, answeredAt, end: at === pages.length - 1 ? { channelClock } : null };
}
