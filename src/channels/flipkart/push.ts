import type { PushLine, PushOutcome } from '../channel.ts';
import { type Batch, outcomeOf } from './batch.ts';
import { capabilities } from './capabilities.ts';
import { beforeWriting } from './failures.ts';
import { knownFsn } from './listings.ts';
import { type Look, lookAt, lookUp } from './look.ts';
import { isAddressable, placeOf, unaddressable } from './row.ts';
import type { Shop } from './shop.ts';
import { stateOf } from './stock.ts';
import { type Due, writeAll } from './write.ts';

const importHint = 'if that was changed at Flipkart, run: invsync listings import';

/**
 * Sets numbers at the channel's location: read (for the product id, the status to echo and the guard against stock that
 * Flipkart holds), compare with `base`, write. Failures become outcomes, nothing is thrown. The whole call ends within
 * one time-out, which is what the engine's deadline counts with.
 */
export async function setStock(
  shop: Shop,
  lines: readonly PushLine[],
  signal: AbortSignal,
): Promise<PushOutcome[]> {
  const ending = AbortSignal.any([signal, AbortSignal.timeout(shop.deps.timeoutMs)]);
  const batch: Batch = { shop, signal: ending, outcomes: new Map() };
  const sound = lines.filter((line) => !isRefusedBeforehand(batch, line));
  const due = await dueLines(batch, sound);
  await writeAll(batch, due);
  return lines.map((line) => batch.outcomes.get(line) ?? { kind: 'retry', error: 'not sent' });
}

function isRefusedBeforehand(batch: Batch, line: PushLine): boolean {
  const { quantity } = line;
  const { maxQuantity } = capabilities;
  if (!Number.isInteger(quantity) || quantity < 0 || quantity > maxQuantity) {
    refuse(batch, line, `${quantity} is no quantity`, `set a whole number from 0 to ${maxQuantity}`);
    return true;
  }
  if (isAddressable(line.listingId)) return false;
  refuse(batch, line, unaddressable, 'leave it unmapped, or list the product under another SKU');
  return true;
}

function refuse(batch: Batch, line: PushLine, error: string, hint: string): void {
  batch.outcomes.set(line, { kind: 'rejected', error, hint });
}

/** Reads what is there and keeps the lines that are to be written. */
async function dueLines(batch: Batch, lines: readonly PushLine[]): Promise<Due[]> {
  if (lines.length === 0) return [];
  try {
    const { shop, signal } = batch;
    const skus = lines.map(({ listingId }) => listingId);
    const looks = await lookUp(shop, skus, { priority: 'push', signal });
    return lines.flatMap((line) => dueLine(batch, line, lookAt(looks, line.listingId)));
  } catch (error) {
    const outcome = outcomeOf(beforeWriting(error));
    for (const line of lines) batch.outcomes.set(line, outcome);
    return [];
  }
}

function dueLine(batch: Batch, line: PushLine, look: Look): Due[] {
  if (look.kind === 'left out') {
    batch.outcomes.set(line, { kind: 'retry', error: look.why ?? 'not read' });
    return [];
  }
  const { location } = batch.shop.config;
  const { state, shown, detail } = stateOf(look, location);
  const { askedAt, answeredAt } = look;
  // A listing that never had a number at this location gets its first one only by force.
  const isFirst = state === 'untracked' && line.base === null;
  if (state !== 'ok' && !isFirst) {
    refuse(batch, line, detail ?? state, importHint);
    return [];
  }
  if (line.base !== null && shown !== line.base) {
    batch.outcomes.set(line, { kind: 'conflict', shown, askedAt, answeredAt });
    return [];
  }
  const fsn = look.row?.product_id ?? knownFsn(line);
  if (look.row === null || fsn === null) {
    refuse(batch, line, 'Flipkart tells no product id (FSN), which a write needs', importHint);
    return [];
  }
  return [{ line, fsn, status: placeOf(look.row, location)?.status ?? null }];
}
