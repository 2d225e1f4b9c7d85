import { z } from 'zod';
import type { HookRequest, Receipt } from '../channel.ts';
import { hashKey, refused } from '../kit/hook.ts';
import { jsonOf } from '../kit/json.ts';
import { MaybeId } from '../kit/shapes.ts';
import type { Shop } from './api.ts';
import { answerChallenge, learnUser } from './door.ts';
import { receivePlatform } from './platform.ts';
import { type Keys, readSignature, signedBytes } from './signature.ts';
import { callLimits } from './xml.ts';

/** What is read of a signed notification at the door (EBAY-2.2). */
const Head = z.object({
  metadata: z.object({ topic: z.string().catch('') }).catch({ topic: '' }),
  notification: z
    .object({
      notificationId: MaybeId,
      publishAttemptCount: z.number().int().nullish().catch(null),
      data: z
        .object({ userId: MaybeId, user: z.object({ userId: MaybeId }).nullish().catch(null) })
        .nullish()
        .catch(null),
    })
    .nullish()
    .catch(null),
});

/**
 * Authenticates what comes in (EBAY-2.7): challenges by GET, SOAP of the Platform Notifications, and signed JSON.
 * Everything unauthentic is refused with 412, eBay's own habit. A key that is not known yet is loaded first, once.
 */
export function receive(shop: Shop, keys: Keys, request: HookRequest): Receipt {
  if (request.method === 'GET') return answerChallenge(shop, request);
  if (request.method !== 'POST') return refused('notifications are sent by POST', 405);
  if (request.body.length > callLimits.bytes) return refused('the body is too large', 412);
  const header = request.headers['x-ebay-signature'];
  const type = request.headers['content-type'] ?? '';
  const isXml =
    /^\s*(?:text|application)\/(?:soap\+)?xml\b/i.test(type) || request.headers['soapaction'] !== undefined;
  if (header === undefined && isXml) return receivePlatform(shop, request);
  const signature = readSignature(header ?? '');
  if (signature === null) return refused('the signature is missing or of no known form', 412);
  const { kid } = signature;
  const key = keys.find(kid);
  if (key === 'unknown') return refused('the signing key is not one of eBay’s', 412);
  if (key === 'absent') {
    const load = async (signal: AbortSignal): Promise<void> => {
      await keys.load(kid, signal);
      // Only who signs soundly may make us ask for more.
      if (typeof keys.find(kid) !== 'string') await learnUser(shop, signal);
    };
    return { kind: 'needs', load };
  }
  const body = signedBytes(request.body, signature, key);
  return body === null ? refused('the signature does not match', 412) : named(shop, body);
}

/** Names an authentic notification. A repeat after a lost answer says another attempt in its body, and so in its key. */
function named({ learned }: Shop, body: Uint8Array): Receipt {
  const { topic, id, attempt, userId } = headOf(body);
  const own = learned.userId;
  if (topic !== 'MARKETPLACE_ACCOUNT_DELETION' && own !== null && userId !== null && userId !== own) {
    return refused('the notification is for another account', 412);
  }
  const key = id === '' ? hashKey(body) : `ntf:${id.slice(0, 150)}${attempt > 1 ? `#${attempt}` : ''}`;
  return {
    kind: 'deliveries',
    deliveries: [{ key, kind: topic === '' ? 'unknown' : topic.slice(0, 100), meta: {}, body }],
  };
}

function headOf(body: Uint8Array): { topic: string; id: string; attempt: number; userId: string | null } {
  // Authentic and unreadable: it is kept and becomes a dead letter.
  const head = Head.safeParse(jsonOf(body)).data;
  const notification = head?.notification;
  return {
    topic: head?.metadata.topic ?? '',
    id: notification?.notificationId ?? '',
    attempt: notification?.publishAttemptCount ?? 1,
    userId: notification?.data?.user?.userId ?? notification?.data?.userId ?? null,
  };
}
