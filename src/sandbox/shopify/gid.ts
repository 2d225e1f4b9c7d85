import { GraphQLError } from 'graphql';
import type { Level, StoredName } from './state.ts';

/** `gid://shopify/<kind>/<id>`. */
export function gid(kind: string, id: bigint | string): string {
  return `gid://shopify/${kind}/${id}`;
}

/** SHP-2.6: the number in a level's gid is not the location's id, and the item's id hangs behind it. */
export function levelGid(level: Level): string {
  return `gid://shopify/InventoryLevel/${level.id}?inventory_item_id=${level.item.id}`;
}

export function quantityGid(level: Level, name: StoredName | string): string {
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

/** The numeric id behind a gid of this kind, or null when it is another kind's or no number. */
export function idIn(value: string, kind: string): bigint | null {
  const parsed = parseGid(value);
  const digits = parsed.id.split('?')[0] ?? '';
  return parsed.kind === kind && /^\d+$/.test(digits) ? BigInt(digits) : null;
}
