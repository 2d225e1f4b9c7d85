import { z } from 'zod';
import type { PushLine, PushOutcome } from '../channel.ts';
import { digestOf } from '../kit/hook.ts';
import { lineOutcome } from '../kit/outcomes.ts';
import { beforeWriting } from '../kit/refusal.ts';
import { quantityRefusal } from '../kit/write.ts';
import { capabilities } from './capabilities.ts';
import { availableOf, LevelNode, ListingFacts, whyUnwritable } from './listings.ts';
import { classify, indexOf, SetUserError, type Trouble } from './push-errors.ts';
import { isItemId, readStock, type Shelf } from './stock.ts';

/** Most calls that one batch may take, rows taken out and batches halved included; the rest is for a later try. */
const maxCalls = 40;

const SetData = z.object({
  inventorySetQuantities: z.object({ userErrors: z.array(SetUserError) }).nullable(),
});
const ActivateData = z.object({
  inventoryActivate: z
    .object({
      inventoryLevel: LevelNode.nullish(),
      userErrors: z.array(z.object({ message: z.string() })),
    })
    .nullable(),
});

/** One batch on its way: who asked for what, what became of it so far, and how many calls are left. */
interface Batch {
  shelf: Shelf;
  /** Random bytes as hex, for a key that must differ from every earlier one. */
  randomHex(bytes: number): string;
  signal: AbortSignal;
  outcomes: Map<PushLine, PushOutcome>;
  stale: PushLine[];
  callsLeft: number;
}

/**
 * Sets `available` of up to 100 lines with compare-and-set (SHP-5.1, SHP-5.2). Any user error changes nothing, so rows
 * in error are taken out and the rest is sent again under another key. Failures become outcomes: nothing is thrown.
 */
export async function setStock(
  shelf: Shelf,
  lines: readonly PushLine[],
  means: { randomHex(bytes: number): string; signal: AbortSignal },
): Promise<PushOutcome[]> {
  const batch: Batch = { ...means, shelf, outcomes: new Map(), stale: [], callsLeft: maxCalls };
  const sendable = lines.filter((line) => !isRefusedBeforehand(batch, line));
  await send(batch, sendable, null);
  if (batch.stale.length > 0) await settleStale(batch);
  return lines.map((line) => batch.outcomes.get(line) ?? { kind: 'retry', error: 'the batch was not sent' });
}

/**
 * A number that Shopify derives or ignores is never written, whatever the platform would answer. What is no quantity or
 * no id would fail the whole call, its good rows included (a variable of the wrong type, SHP-7).
 */
function isRefusedBeforehand(batch: Batch, line: PushLine): boolean {
  const refuse = (error: string, hint: string): true => {
    batch.outcomes.set(line, { kind: 'rejected', error, hint });
    return true;
  };
  const { listingId } = line;
  const odd = quantityRefusal(line, capabilities.maxQuantity);
  if (odd !== null) return refuse(odd.error, odd.hint);
  if (!isItemId(listingId))
    return refuse(`${listingId.slice(0, 60)} is no inventory item`, 'run: invsync listings import');
  const facts = ListingFacts.safeParse(line.facts);
  const why = facts.success ? whyUnwritable(facts.data.tracked, facts.data.bundle) : null;
  if (why === null) return false;
  return refuse(why, 'if that was changed in Shopify, run: invsync listings import');
}

/** Sends rows until each has an outcome. `salt` marks a key that must differ although the variables are the same. */
async function send(batch: Batch, lines: PushLine[], salt: string | null): Promise<void> {
  let rows = lines;
  let keySalt = salt;
  while (rows.length > 0) {
    const errors = await setOnce(batch, rows, keySalt);
    if (errors === null) return;
    if (errors.length === 0)
      return settle(batch, rows, (line) => ({ kind: 'applied', shown: line.quantity }));
    const troubles = errors.map((error) => ({
      index: indexOf(error, rows.length),
      trouble: classify(error),
    }));
    if (troubles.some(({ trouble }) => trouble.kind === 'previous-attempt-failed') && keySalt === null) {
      // An earlier call with these very variables failed and changed nothing: the same wish under a new key.
      keySalt = batch.randomHex(16);
      continue;
    }
    const whole = troubles.find(({ trouble }) => trouble.kind === 'whole-call');
    if (whole?.trouble.kind === 'whole-call') {
      const { outcome } = whole.trouble;
      return settle(batch, rows, () => outcome);
    }
    const byRow = new Map(
      troubles.flatMap(({ index, trouble }) => (index === null ? [] : [[index, trouble] as const])),
    );
    if (byRow.size === 0) return sendHalves(batch, rows, troubles[0]?.trouble);
    for (const [index, trouble] of byRow) await settleTrouble(batch, rows[index], trouble);
    rows = rows.filter((_, index) => !byRow.has(index));
    keySalt = null;
  }
}

/** An error that names no row: halves find it, so that one bad row never blocks its batch (SHP-9.13). */
async function sendHalves(batch: Batch, rows: PushLine[], trouble: Trouble | undefined): Promise<void> {
  if (rows.length === 1) return settleTrouble(batch, rows[0], trouble);
  const half = Math.ceil(rows.length / 2);
  await send(batch, rows.slice(0, half), null);
  await send(batch, rows.slice(half), null);
}

/** One call. The user errors (none: all rows stand), or null when the call itself failed and the rows are settled. */
async function setOnce(
  batch: Batch,
  rows: PushLine[],
  salt: string | null,
): Promise<z.infer<typeof SetUserError>[] | null> {
  if (batch.callsLeft <= 0) {
    settle(batch, rows, () => ({ kind: 'retry', error: 'too many rows of one batch were refused' }));
    return null;
  }
  batch.callsLeft -= 1;
  const { api, location } = batch.shelf;
  const variables = { input: inputOf(rows, location), key: keyOf(rows, salt) };
  try {
    const { data } = await api.call(
      { document: 'SetQuantities', variables, data: SetData, priority: 'push' },
      batch.signal,
    );
    if (data.inventorySetQuantities !== null) return data.inventorySetQuantities.userErrors;
    settle(batch, rows, () => ({ kind: 'unknown', error: 'Shopify answered without a result' }));
  } catch (error) {
    settle(batch, rows, () => lineOutcome(error));
  }
  return null;
}

/** `changeFromQuantity` is always sent, also as null: leaving it out is refused at run time (SHP-5.1). */
function inputOf(rows: readonly PushLine[], location: string) {
  return {
    name: 'available',
    reason: 'correction',
    referenceDocumentUri: `gid://invsync/Push/${rows[0]?.key ?? ''}`,
    quantities: rows.map((line) => ({
      inventoryItemId: line.listingId,
      locationId: location,
      quantity: line.quantity,
      // May be negative: `available` is after an oversell (SHP-9.9).
      changeFromQuantity: line.base,
    })),
  };
}

/**
 * The idempotency key of a call: a hash over the random keys and the numbers of its rows, in UUID form. The same
 * lines sent again give the same key and variables, so a repeat after a lost answer is harmless; any other batch
 * gives another key, so a mismatch of parameters cannot happen (SHP-5.4).
 */
function keyOf(rows: readonly PushLine[], salt: string | null): string {
  const text = JSON.stringify([
    salt,
    rows.map((line) => [line.key, line.listingId, line.quantity, line.base]),
  ]);
  const hex = digestOf(text);
  return [0, 8, 12, 16, 20].map((at, index) => hex.slice(at, [8, 12, 16, 20, 32][index])).join('-');
}

async function settleTrouble(
  batch: Batch,
  line: PushLine | undefined,
  trouble: Trouble | undefined,
): Promise<void> {
  if (line === undefined || trouble === undefined) return;
  switch (trouble.kind) {
    case 'stale':
      batch.stale.push(line);
      return;
    case 'not-stocked':
      batch.outcomes.set(line, await activate(batch, line, trouble.error));
      return;
    case 'previous-attempt-failed':
      batch.outcomes.set(line, { kind: 'retry', error: 'an earlier attempt with this key failed' });
      return;
    default:
      batch.outcomes.set(line, trouble.outcome);
  }
}

/**
 * Stocks the item at the location with the number. It is honoured only where the item was not stocked (SHP-5.5):
 * the number that the answer shows decides.
 */
async function activate(batch: Batch, line: PushLine, why: string): Promise<PushOutcome> {
  if (batch.callsLeft <= 0) return { kind: 'retry', error: 'too many rows of one batch were refused' };
  batch.callsLeft -= 1;
  const { api, location } = batch.shelf;
  const available = line.quantity;
  const key = keyOf([line], 'activate');
  try {
    const { data, askedAt, answeredAt } = await api.call(
      {
        document: 'Activate',
        variables: { item: line.listingId, location, available, key },
        data: ActivateData,
        priority: 'push',
      },
      batch.signal,
    );
    const refusal = data.inventoryActivate?.userErrors[0]?.message;
    if (refusal !== undefined) {
      return {
        kind: 'rejected',
        error: `${why}; ${refusal}`,
        hint: 'stock the item at the location in Shopify',
      };
    }
    const shown = availableOf(data.inventoryActivate?.inventoryLevel ?? null);
    if (shown === available) return { kind: 'applied', shown };
    return { kind: 'conflict', shown, askedAt, answeredAt };
  } catch (error) {
    return lineOutcome(error);
  }
}

/** The number there was not the base: most likely a sale on its way to us. What is there now is read, not guessed. */
async function settleStale(batch: Batch): Promise<void> {
  const { stale, outcomes } = batch;
  try {
    const readings = await readStock(batch.shelf, stale, batch.signal, 'push');
    for (const [index, line] of stale.entries()) {
      const reading = readings[index];
      if (reading === undefined) continue;
      const { shown, askedAt, answeredAt } = reading;
      outcomes.set(line, { kind: 'conflict', shown, askedAt, answeredAt });
    }
  } catch (error) {
    // Nothing was written: whatever kept the read from being answered, the push may be tried again.
    const outcome = lineOutcome(beforeWriting(error));
    settle(batch, stale, () => outcome);
  }
}

function settle(batch: Batch, rows: readonly PushLine[], outcome: (line: PushLine) => PushOutcome): void {
  for (const line of rows) batch.outcomes.set(line, outcome(line));
}
