import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { HookRequest, Receipt } from '../channel.ts';
import { hashKey, refused } from '../kit/hook.ts';
import { jsonOf } from '../kit/json.ts';
import { maybe } from '../kit/shapes.ts';
import type { TikTokShopConfig } from './config.ts';
import { Id, wholeOf } from './ids.ts';
import { deliverySignature } from './sign.ts';
import { topics } from './topics.ts';

/** What is read at the door. Old samples lack the notification id, and some show the shop as a number. */
const Head = z.object({
  type: maybe(wholeOf(9)),
  tts_notification_id: maybe(Id),
  shop_id: maybe(Id),
});

/**
 * Authenticates a delivery over its raw bytes (TTS-2.3). The signature covers no time: a replay is an old key, and
 * says nothing but ids. TikTok wants 200 and an empty body.
 */
export function receive(config: TikTokShopConfig, request: HookRequest): Receipt {
  if (request.method !== 'POST') {
    return refused('deliveries are sent by POST', 405);
  }
  const given = request.headers['authorization'];
  if (given === undefined || given === '') return refused('the signature is missing');
  if (!/^[0-9a-f]{64}$/.test(given)) return refused('the signature has no known form');
  const expected = deliverySignature(request.body, { appKey: config.app_key, secret: config.app_secret });
  if (!timingSafeEqual(Buffer.from(given), Buffer.from(expected))) {
    return refused('the signature does not match');
  }
  // An authentic body that cannot be read is kept and becomes a dead letter.
  const head = Head.safeParse(jsonOf(request.body)).data ?? null;
  const shopId = head?.shop_id ?? null;
  // One app serves several shops: their deliveries are signed alike.
  if (shopId !== null && shopId !== config.shop_id) return refused('the delivery is for another shop');
  const type = head?.type ?? null;
  // The notification id is the same in all repeats (TTS-2.1).
  const id = head?.tts_notification_id ?? null;
  const key = id === null ? hashKey(request.body) : `tts:${id}`;
  const kind = (type === null ? undefined : topics.get(type)) ?? `type ${type ?? 'unknown'}`;
  return {
    kind: 'deliveries',
    deliveries: [{ key, kind, meta: {}, body: request.body }],
    answer: { status: 200, body: '' },
  };
}
