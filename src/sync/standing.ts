import { recipeText, type Standing, standingOf } from '../stock/listing.ts';
import type { ListingRow } from '../store/store.ts';

/** What every view says of a listing. `resembles`: a known SKU that its SKU only looks like, where somebody looked. */
export function standing(row: ListingRow, resembles: string | null = null): Standing {
  return standingOf({
    ...row,
    parts: recipeText(row.parts),
    ambiguous: row.ambiguous || row.twin,
    resembles,
  });
}
