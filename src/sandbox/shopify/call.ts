import type { ShopCall } from '../shop.ts';
import type { Release } from './schema.ts';

/** What one GraphQL request carries through its resolvers. */
export interface Call {
  release: Release;
  /** An export: page arguments are ignored. */
  bulk: boolean;
  /** The stock writes that this request made, to be marked as answered when the answer leaves. */
  writes: Extract<ShopCall, { kind: 'write' }>[];
}
