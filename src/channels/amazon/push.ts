import type { PushLine, PushOutcome } from '../channel.ts';
import { lineOutcome } from '../kit/outcomes.ts';
import { beforeWriting } from '../kit/refusal.ts';
import { chunksOf, quantityRefusal } from '../kit/write.ts';
import { type Task, taskOf } from './account.ts';
import { capabilities, feedFrom } from './capabilities.ts';
import { lockedSkus, mayBegin } from './feed-book.ts';
import { channelsOf, listingFacts, marketplacesOf, shownOf, whyUnwritable } from './item.ts';
import { type FoundItem, findItems, pageSize } from './search.ts';
import { type Batch, patch, sendFeed, type Writable } from './write.ts';

/** Shares of the channel's time-out: when nothing new is begun, and when what is under way is cut off. */
const beginWithin = 0.6;
const endWithin = 0.9;
/** Patches in flight at once: enough for five a second at the latency of the platform. */
const inFlight = 4;
/** Flips to zero of a full call that go by PATCH all the same. */
const zerosByPatch = 40;
/** A SKU in a feed that has not ended is looked at again after this. */
const feedWaitMs = 5_000;

/**
 * Sets the numbers of up to 1,000 SKUs: each is read first (the guard against offers that Amazon fulfils, and the
 * compare), then patched. A full call goes as one feed instead. Failures become outcomes: nothing is thrown.
 */
export async function setStock(task: Task, lines: readonly PushLine[]): Promise<PushOutcome[]> {
  const { clock, timeoutMs } = task.deps;
  const batch: Batch = {
    ...taskOf(task, AbortSignal.any([task.signal, AbortSignal.timeout(timeoutMs * endWithin)])),
    outcomes: new Map(),
    trouble: null,
    stopAt: clock.now() + timeoutMs * beginWithin,
  };
  const locked = await lockedSkus(batch);
  const free = lines.filter((line) => {
    const outcome = beforehand(line, locked);
    if (outcome !== null) batch.outcomes.set(line, outcome);
    return outcome === null;
  });
  if (free.length >= feedFrom && (await mayBegin(batch))) {
    const zeros = free.filter(({ quantity }) => quantity === 0).slice(0, zerosByPatch);
    await patchAll(batch, zeros);
    const rest = free.filter((line) => !zeros.includes(line));
    await sendFeed(batch, await writableOf(batch, rest));
  } else await patchAll(batch, free);
  return lines.map((line) => batch.outcomes.get(line) ?? later);
}

/** The time of the call is over: no attempt is spent, and the lane goes on at once. */
const later: PushOutcome = {
  kind: 'throttled',
  error: 'more lines than fit into the time of one call',
  afterMs: 100,
};

/**
 * What would harm, or is no quantity, is refused before anything is sent (AMZ-5.1, AMZ-5.3). A feed and a patch of one SKU
 * have no order between them: a stale feed could overwrite the newer patch (AMZ-5.2). While a SKU lies in a feed that has
 * not ended, its push waits; the newest number goes when it has.
 */
function beforehand(line: PushLine, locked: ReadonlySet<string>): PushOutcome | null {
  const odd = quantityRefusal(line, capabilities.maxQuantity);
  if (odd !== null) return { kind: 'rejected', ...odd };
  const facts = listingFacts.safeParse(line.facts);
  const why = facts.success ? whyUnwritable(facts.data.channels) : null;
  if (why !== null) return rejected(why, 'if that was changed at Amazon, run: invsync listings import');
  if (!locked.has(line.listingId)) return null;
  return { kind: 'waits', error: 'a feed with this SKU has not ended at Amazon', afterMs: feedWaitMs };
}

function rejected(error: string, hint: string): PushOutcome {
  return { kind: 'rejected', error, hint };
}

/** Reads and patches, 20 SKUs at a time, in the order given: the engine sends the most urgent first. */
async function patchAll(batch: Batch, lines: PushLine[]): Promise<void> {
  for (let at = 0; at < lines.length; at += pageSize) {
    const rest = lines.slice(at);
    const writable = await checked(batch, rest.slice(0, pageSize));
    if (writable === null || !(await patchSome(batch, writable))) {
      settleRest(batch, rest);
      return;
    }
  }
}

/** Reads everything first, for a feed. What there is no time for, or what fails, has its outcome. */
async function writableOf(batch: Batch, lines: PushLine[]): Promise<Writable[]> {
  const writable: Writable[] = [];
  for (let at = 0; at < lines.length; at += pageSize * inFlight) {
    const wave = lines.slice(at, at + pageSize * inFlight);
    const found = await Promise.all(chunksOf(wave, pageSize).map((part) => checked(batch, part)));
    for (const part of found) writable.push(...(part ?? []));
    if (found.includes(null)) {
      settleRest(batch, lines.slice(at));
      break;
    }
  }
  return writable;
}

/** The lines that may be written; the others get their outcome. Null: the read failed, or there is no time left. */
async function checked(batch: Batch, lines: PushLine[]): Promise<Writable[] | null> {
  if (batch.deps.clock.now() >= batch.stopAt) return null;
  const skus = lines.map((line) => line.listingId);
  try {
    const found = await findItems(batch, skus, 'push');
    return lines.flatMap((line) => {
      const each = judged(line, found.get(line.listingId), batch.config.marketplaces);
      if ('line' in each) return [each];
      batch.outcomes.set(line, each);
      return [];
    });
  } catch (error) {
    const outcome = lineOutcome(beforeWriting(error));
    batch.trouble ??= outcome;
    for (const line of lines) batch.outcomes.set(line, outcome);
    return null;
  }
}

function judged(
  line: PushLine,
  found: FoundItem | undefined,
  configured: readonly string[],
): Writable | PushOutcome {
  if (found?.item == null)
    return rejected('the account does not list this SKU', 'run: invsync listings import');
  const { item, askedAt, answeredAt } = found;
  const why = whyUnwritable(channelsOf(item));
  if (why !== null)
    return rejected(why, 'map the offer that you ship yourself, then run: invsync listings import');
  const shown = shownOf(item);
  if (line.base !== null && shown !== line.base) return { kind: 'conflict', shown, askedAt, answeredAt };
  return { line, marketplaces: marketplacesOf(item, configured) };
}

/** Patches a few at once. False: something is wrong beyond a line, and nothing more may be sent. */
async function patchSome(batch: Batch, writable: Writable[]): Promise<boolean> {
  const waiting = [...writable];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && batch.trouble === null; next = waiting.shift()) {
      const outcome = await patch(batch, next);
      batch.outcomes.set(next.line, outcome);
      if (['auth', 'throttled', 'retry', 'unknown'].includes(outcome.kind)) batch.trouble ??= outcome;
    }
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, writable.length) }, work));
  return batch.trouble === null;
}

/** Lines that were not sent share the fate of what stopped the call, but nothing of theirs is in doubt. */
function settleRest({ outcomes, trouble }: Batch, lines: PushLine[]): void {
  const rest: PushOutcome =
    trouble?.kind === 'unknown'
      ? { kind: 'retry', error: 'not sent: an earlier line had no answer' }
      : (trouble ?? later);
  for (const line of lines) if (!outcomes.has(line)) outcomes.set(line, rest);
}
