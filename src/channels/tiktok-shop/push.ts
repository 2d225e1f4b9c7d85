import type { PushLine, PushOutcome } from '../channel.ts';
import { capabilities } from './capabilities.ts';
import { factsOf } from './facts.ts';
import { isId } from './ids.ts';
import { numberOf, readSkus, type SkuStock } from './inventory.ts';
import { type Batch, type Due, unsent } from './outcomes.ts';
import type { Shop } from './shop.ts';
import type { Sites } from './warehouses.ts';
import { writeProduct } from './write.ts';

const importHint = 'run: invsync listings import; unmap the listing if it is gone for good';

/**
 * Sets numbers: read, compare with `base`, write, one call a product (TTS-4). The read also brings every warehouse
 * that must be named. Failures become outcomes, nothing is thrown. What shows its number already is not written.
 */
export async function setStock(
  shop: Shop,
  lines: readonly PushLine[],
  signal: AbortSignal,
): Promise<PushOutcome[]> {
  const batch: Batch = { shop, signal, outcomes: new Map(), stale: new Map() };
  const sound = lines.filter((line) => !isRefusedBeforehand(batch, line));
  try {
    if (sound.length > 0) {
      await writeDue(batch, sound, await shop.warehouses.known(signal));
      await repeatStale(batch);
    }
  } catch (error) {
    const outcome = unsent(error);
    // What has no outcome yet was never sent: writers settle their own lines.
    for (const line of sound) if (!batch.outcomes.has(line)) batch.outcomes.set(line, outcome);
  }
  return lines.map((line) => batch.outcomes.get(line) ?? { kind: 'retry', error: 'not sent' });
}

function isRefusedBeforehand({ outcomes }: Batch, line: PushLine): boolean {
  const { quantity } = line;
  const reject = (error: string, hint: string): true => {
    outcomes.set(line, { kind: 'rejected', error, hint });
    return true;
  };
  if (!Number.isInteger(quantity) || quantity < 0 || quantity > capabilities.maxQuantity) {
    return reject(`${quantity} is no quantity`, `set a whole number from 0 to ${capabilities.maxQuantity}`);
  }
  if (!isId(line.listingId)) return reject('this is no SKU id of TikTok Shop', importHint);
  const why = factsOf(line).unwritable;
  return why !== null && reject(why, 'once that was changed on TikTok Shop, run: invsync listings import');
}

/** The warehouses of these SKUs changed since they were read: both are read again, once (TTS-4). */
async function repeatStale(batch: Batch): Promise<void> {
  if (batch.stale.size === 0) return;
  const lines = [...batch.stale.keys()];
  const sites = await batch.shop.warehouses.fresh(batch.signal);
  await writeDue(batch, lines, sites);
}

async function writeDue(batch: Batch, lines: readonly PushLine[], sites: Sites): Promise<void> {
  const due = await dueLines(batch, lines, sites);
  const byProduct = new Map<string, Due[]>();
  for (const each of due) {
    byProduct.set(each.stock.productId, [...(byProduct.get(each.stock.productId) ?? []), each]);
  }
  for (const [productId, some] of byProduct) await writeProduct(batch, { productId, sites }, some);
}

/** Reads what is there and keeps the lines that are to be written. */
async function dueLines(batch: Batch, lines: readonly PushLine[], sites: Sites): Promise<Due[]> {
  const ids = lines.map(({ listingId }) => listingId);
  const found = await readSkus(batch.shop, ids, { priority: 'push', signal: batch.signal });
  return lines.flatMap((line): Due[] => {
    const stock = found.get(line.listingId);
    const settled = settledBy(line, stock, sites);
    if (settled === null && stock !== undefined) return [{ line, stock }];
    if (settled !== null) batch.outcomes.set(line, settled);
    return [];
  });
}

function settledBy(line: PushLine, stock: SkuStock | undefined, sites: Sites): PushOutcome | null {
  if (stock === undefined) {
    return { kind: 'rejected', error: 'TikTok Shop has no such SKU in this shop', hint: importHint };
  }
  const shown = numberOf(stock, sites);
  if (shown === null) {
    // Without the warehouses nobody can tell what else a write would overwrite.
    return {
      kind: 'rejected',
      error: 'TikTok Shop tells no number for this SKU',
      hint: 'look at its stock in Seller Center',
    };
  }
  const { askedAt, answeredAt } = stock;
  if (line.base !== null && shown !== line.base) return { kind: 'conflict', shown, askedAt, answeredAt };
  return shown === line.quantity ? { kind: 'applied', shown } : null;
}
