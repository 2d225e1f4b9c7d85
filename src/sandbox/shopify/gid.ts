import { GraphQLError } from 'graphql';

/** `gid://shopify/<kind>/<id>`. */
export function gid(kind: string, id: bigint | string): string {
  return `gid://shopify/${kind}/${id}`;
}

interface Numbered {
  id: bigint;
  item: { id: bigint };
}

/** SHP-2.6: the number in a level's gid is not the location's id, and the item's id hangs behind it. */
export function levelGid(level: Numbered): string {
  return `gid://shopify/InventoryLevel/${level.id}?inventory_item_id=${level.item.id}`;
}

export function quantityGid(level: Numbered, name: string): string {
  return `gid://shopify/InventoryQuantity/${level.id}?inventory_item_id=${level.item.id}&name=${name}`;
}

/** Kind and id (the text behind the kind) of a global id. Throws the platform's top-level error for anything else. */
export function parseGid(value: string): { kind: string; id: string } {
  const match = /^gid:\/\/shopify\/([A-Za-z]+)\/(.+)$/.exec(value);
  const [, kind, id] = match ?? [];
  if (kind === undefined || id === undefined) {
    throw new GraphQLError(`Invalid global id '${value}'`, { extensions: { code: 'INVALID_VARIABLE' } });
  }
  return { kind, id };
}

/** Longest page and longest input list (SHP-7). */
export const maxPage = 250;

/** SHP-5.1 and SHP-7: no input list is longer than 250. */
export function checkSize(size: number): void {
  if (size <= maxPage) return;
  throw new GraphQLError(
    `The input array size of ${size} is greater than the maximum allowed of ${maxPage}.`,
    { extensions: { code: 'MAX_INPUT_SIZE_EXCEEDED' } },
  );
}

/** The numeric id behind a gid of this kind, or null when it is another kind's or no number. */
export function idIn(value: string, kind: string): bigint | null {
  const parsed = parseGid(value);
  const digits = parsed.id.split('?')[0] ?? '';
  return parsed.kind === kind && /^\d+$/.test(digits) ? BigInt(digits) : null;
}
