import { z } from 'zod';
import type { PushLine, PushOutcome } from '../channel.ts';
import { lineOutcome } from '../kit/outcomes.ts';
import { beforeWriting } from '../kit/refusal.ts';
import { chunksOf, quantityRefusal } from '../kit/write.ts';
import type { Task } from './api.ts';
import { capabilities, feedFrom } from './capabilities.ts';
import { changeOf, lockedSkus, mayBegin, sendFeed, type Writable } from './feed.ts';
import { type FoundItem, findItems, marketplacesOf, pageSize, stateOf, whyRemembered } from './items.ts';
import { scrub } from './platform.ts';

/** Shares of the channel's time-out: when nothing new is begun, and when what is under way is cut off. */
const beginWithin = 0.6;
const endWithin = 0.9;
/** Patches in flight at once: enough for five a second at the latency of the platform. */
const inFlight = 4;
/** Flips to zero of a full call that go by PATCH all the same. */
const zerosByPatch = 40;
/** A SKU in a feed that has not ended is looked at again after this. */
const feedWaitMs = 5_000;

interface Batch extends Task {
  outcomes: Map<PushLine, PushOutcome>;
  /** What went wrong beyond a single line; nothing more is sent then. */
  trouble: PushOutcome | null;
  /** From then on nothing new is begun: what is left is for the next call, and spends no attempt. */
  stopAt: number;
}

const submission = z.object({
  status: z.enum(['ACCEPTED', 'INVALID', 'VALID']),
  issues: z.array(z.object({ code: z.string(), message: z.string(), severity: z.string() })).nullish(),
});

/**
 * Sets the numbers of up to 1,000 SKUs: each is read first (the guard against offers that Amazon fulfils, and the
 * compare), then patched. A full call goes as one feed instead. Failures become outcomes: nothing is thrown.
 */
export async function setStock(task: Task, lines: readonly PushLine[]): Promise<PushOutcome[]> {
  const { clock, timeoutMs } = task.deps;
  const batch: Batch = {
    ...task.at(AbortSignal.any([task.signal, AbortSignal.timeout(timeoutMs * endWithin)])),
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
    const sent = await sendFeed(batch, await writableOf(batch, rest));
    for (const [line, outcome] of sent) batch.outcomes.set(line, outcome);
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
  const why = whyRemembered(line.facts);
  if (why !== null) return rejected(why, 'if that was changed at Amazon, run: invsync listings import');
  if (!locked.has(line.listingId)) return null;
  return { kind: 'waits', error: 'a feed with this SKU has not ended at Amazon', afterMs: feedWaitMs };
}

function rejected(error: string, hint: string): PushOutcome {
  return { kind: 'rejected', error, hint };
}

/** Reads and patches, 20 SKUs at a time, in the order given: the engine sends the most urgent first. */
async function patchAll(batch: Batch, lines: PushLine[]): Promise<void> {
  for (const part of chunksOf(lines, pageSize)) {
    const writable = await checked(batch, part);
    if (writable === null || !(await patchSome(batch, writable))) break;
  }
  settleRest(batch, lines);
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
  try {
    return (await findItems(batch, lines, 'push')).flatMap(([line, found]) => {
      const each = judged(line, found, batch.config.marketplaces);
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

function judged(line: PushLine, found: FoundItem, configured: readonly string[]): Writable | PushOutcome {
  const { item, askedAt, answeredAt } = found;
  if (item === null) return rejected('the account does not list this SKU', 'run: invsync listings import');
  const { unwritable, shown } = stateOf(item);
  if (unwritable !== null)
    return rejected(unwritable, 'map the offer that you ship yourself, then run: invsync listings import');
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

/** Writes one SKU. Answers an outcome for whatever happens, failures of the request included. */
function patch({ ask, config }: Task, { line, marketplaces }: Writable): Promise<PushOutcome> {
  const answered = ask('patchListingsItem', {
    ids: [config.seller_id, line.listingId],
    query: { marketplaceIds: marketplaces, issueLocale: 'en_US' },
    body: changeOf(line.quantity),
    data: submission,
    priority: 'push',
  });
  return answered.then(({ data }) => outcomeOfSubmission(data), lineOutcome);
}

/** HTTP 200 says nothing (AMZ-9.14 and AMZ-9.16): accepted and without errors is a success, and even that is not live yet. */
function outcomeOfSubmission({ status, issues }: z.infer<typeof submission>): PushOutcome {
  const errors = (issues ?? []).filter((issue) => issue.severity === 'ERROR');
  if (status === 'ACCEPTED' && errors.length === 0) return { kind: 'accepted' };
  const why = errors.map(({ code, message }) => `${code}: ${message}`).join('; ');
  return {
    kind: 'rejected',
    error: scrub(`Amazon answered ${status}${why === '' ? '' : ` with ${why}`}`),
    hint: 'mend the listing in Seller Central (Manage Inventory > Fix), then: invsync pushes retry',
  };
}

/** Lines that were not sent share the fate of what stopped the call, but nothing of theirs is in doubt. */
function settleRest({ outcomes, trouble }: Batch, lines: PushLine[]): void {
  const rest: PushOutcome =
    trouble?.kind === 'unknown'
      ? { kind: 'retry', error: 'not sent: an earlier line had no answer' }
      : (trouble ?? later);
  for (const line of lines) if (!outcomes.has(line)) outcomes.set(line, rest);
}
