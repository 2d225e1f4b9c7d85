import type { Ground } from '../kit/ground.ts';
import type { ShopCall } from '../shop.ts';
import type { Release } from './schema.ts';
import type { ShopState } from './state.ts';
import type { Webhooks } from './webhooks.ts';

/** What every part of the shop works on. */
export interface Floor {
  ground: Ground;
  state: ShopState;
  webhooks: Webhooks;
}

/** What one GraphQL request carries through its resolvers. */
export interface Call {
  release: Release;
  /** An export: page arguments are ignored. */
  bulk: boolean;
  /** The stock writes that this request made, to be marked as answered when the answer leaves. */
  writes: Extract<ShopCall, { kind: 'write' }>[];
}
