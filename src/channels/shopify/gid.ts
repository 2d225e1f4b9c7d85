/** Global ids (`gid://shopify/Order/1`) from the numeric ids of webhook bodies. Ids are text: they may exceed 2^53 (SHP-9.1). */
export function gid(
  type: 'Order' | 'LineItem' | 'ProductVariant' | 'InventoryItem' | 'Location',
  id: string,
): string {
  return id.startsWith('gid://') ? id : `gid://shopify/${type}/${id}`;
}

/** The last part of a global id, without the query that level ids carry. */
export function plainId(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1).split('?')[0] ?? id;
}
