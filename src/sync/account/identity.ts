import { countText } from '../../errors.ts';
import type { Replacement } from '../../store/store.ts';
import { closeAlert, openAlert } from '../alerts.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { standing } from '../standing.ts';

/** How many listings a sentence names before it says how many more there are. */
const named = 3;

function listed(parts: readonly string[]): string {
  const more = parts.length > named ? `, and ${parts.length - named} more` : '';
  return `${parts.slice(0, named).join(', ')}${more}`;
}

/**
 * Says which listings took the place of others. The alert stands until the next whole walk of the catalogue, which
 * finds nothing new to say.
 */
export async function tellReplaced(
  engine: Engine,
  live: LiveChannel,
  replaced: readonly Replacement[],
): Promise<string[]> {
  if (replaced.length === 0) {
    await closeAlert(engine, 'listing_replaced', live.name);
    return [];
  }
  const pairs = replaced.map(({ gone, heir, parts }) => `${heir} for ${gone} (${parts || 'made to order'})`);
  const many = countText(
    replaced.length,
    'listing that is gone has an heir',
    'listings that are gone have heirs',
  );
  const [first] = replaced;
  const message = `${live.name}: ${many}, with the same SKU, mapping and settings: ${listed(pairs)}; if it is another article: invsync listings map ${live.name} ${first?.heir ?? ''} SKU`;
  await openAlert(engine, { channelId: live.id, kind: 'listing_replaced', subject: live.name, message });
  return [message];
}

/** Says which mappings have lost their reason. The alert ends when a person has decided on each of them. */
export async function tellChanged(engine: Engine, live: LiveChannel): Promise<string[]> {
  const rows = await engine.store.listings.list({ channel: live.name, changed: true, limit: 1_000 });
  if (rows.length === 0) {
    await closeAlert(engine, 'sku_changed', live.name);
    return [];
  }
  const words = rows.slice(0, named).map((row) => `${row.listingId}: ${standing(row).why}`);
  const more = rows.length > named ? ` (and ${rows.length - named} more)` : '';
  const message = `${live.name}: nothing is raised for listings whose SKU changed there: ${words.join('; ')}${more}; look and decide: invsync listings unmatched ${live.name} --changed`;
  await openAlert(engine, { channelId: live.id, kind: 'sku_changed', subject: live.name, message });
  return [message];
}

/** One number at the channel that stands for different SKUs shows the least of them: that deserves a word. */
export async function sharedNumbers(engine: Engine, live: LiveChannel): Promise<string[]> {
  const shared = await engine.store.listings.sharedNumbers(live.id, 1_000);
  return shared.map(
    ({ listings, skus }) =>
      `${live.name}: ${listed(listings)} share one number there, which follows the least of ${listed(skus)}; if they are one article, map each of them: invsync listings map ${live.name} ${listings.at(-1) ?? ''} ${skus[0] ?? ''}`,
  );
}
