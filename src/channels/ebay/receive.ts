import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { HookRequest, Receipt } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { digestOf, hashKey, refused } from '../kit/hook.ts';
import { jsonOf } from '../kit/json.ts';
import { MaybeId, maybe } from '../kit/shapes.ts';
import { exactBase64 } from '../kit/sign.ts';
import { readUser, type Shop, taskOf } from './api.ts';
import { platformPrefix, readSoap } from './deliveries.ts';
import { type Keys, readSignature, signedBytes } from './signature.ts';
import { callLimits } from './xml.ts';

/** What is read of a signed notification at the door (EBAY-2.2). */
const Head = z.object({
  metadata: z.object({ topic: z.string().catch('') }).catch({ topic: '' }),
  notification: maybe(
    z.object({
      notificationId: MaybeId,
      publishAttemptCount: maybe(z.number().int()),
      data: maybe(z.object({ userId: MaybeId, user: maybe(z.object({ userId: MaybeId })) })),
    }),
  ),
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
      // Only who signs soundly may make us ask for more: who the seller is. A failure leaves it unknown.
      if (typeof keys.find(kid) === 'string' || shop.learned.userId !== null) return;
      await readUser(taskOf(shop, signal)).catch((error: unknown) => {
        if (!(error instanceof ChannelError)) throw error;
      });
    };
    return { kind: 'needs', load };
  }
  const body = signedBytes(request.body, signature, key);
  return body === null ? refused('the signature does not match', 412) : named(shop, body);
}

/** Names an authentic notification. A repeat after a lost answer says another attempt in its body, and so in its key. */
function named({ learned }: Shop, body: Uint8Array): Receipt {
  // Authentic and unreadable: it is kept and becomes a dead letter.
  const { metadata, notification } = Head.safeParse(jsonOf(body)).data ?? {};
  const topic = metadata?.topic ?? '';
  const id = notification?.notificationId ?? '';
  const attempt = notification?.publishAttemptCount ?? 1;
  const userId = notification?.data?.user?.userId ?? notification?.data?.userId ?? null;
  const isOurs = learned.userId === null || userId === null || userId === learned.userId;
  if (topic !== 'MARKETPLACE_ACCOUNT_DELETION' && !isOurs)
    return refused('the notification is for another account', 412);
  const key = id === '' ? hashKey(body) : `ntf:${id.slice(0, 150)}${attempt > 1 ? `#${attempt}` : ''}`;
  return {
    kind: 'deliveries',
    deliveries: [{ key, kind: topic === '' ? 'unknown' : topic.slice(0, 100), meta: {}, body }],
  };
}

/** Older and younger ones are refused, because a signature may be used again for another body (EBAY-2.6). */
const soundForMs = 10 * 60_000;

/**
 * Authenticates a Platform Notification: base64 of MD5 over time stamp, Dev ID, App ID and Cert ID (EBAY-2.6). The
 * signature does not cover the body, so that whoever saw one may say anything for ten minutes: the content is a hint to
 * read orders and listings anew, and is never booked.
 */
function receivePlatform(shop: Shop, request: HookRequest): Receipt {
  const { dev_id: devId, client_id: appId, client_secret: certId } = shop.config;
  if (devId === undefined) return refused('Platform Notifications need dev_id in the configuration', 412);
  const read = readSoap(request.body);
  if (read === null) return refused('the SOAP envelope is not readable', 412);
  const { content, signature } = read;
  const expected = createHash('md5').update(`${content.Timestamp}${devId}${appId}${certId}`).digest();
  const given = exactBase64(signature);
  if (given?.length !== expected.length || !timingSafeEqual(given, expected))
    return refused('the signature does not match', 412);
  const at = Date.parse(content.Timestamp);
  if (Number.isNaN(at) || Math.abs(request.receivedAt - at) > soundForMs) {
    return refused('the time stamp is too far from now', 412);
  }
  const name = content.NotificationEventName;
  const about = content.TransactionArray?.Transaction[0]?.OrderLineItemID ?? content.Item?.ItemID ?? '';
  const key = `pn:${name}:${about.slice(0, 80)}:${content.Timestamp}`;
  return {
    kind: 'deliveries',
    deliveries: [{ key, kind: `${platformPrefix}${name}`, meta: {}, body: request.body }],
    answer: { status: 200, body: '' },
  };
}

const vaultKey = 'address';
/** Another process may register anew. */
const believedMs = 60_000;

/** Keeps the address before it is registered: the challenge comes during that very call. */
export async function keepAddress({ deps, learned }: Shop, url: string): Promise<void> {
  await deps.vault.set(vaultKey, url);
  learned.address = { url, readAt: deps.clock.now() };
}

/** Longest code that is answered (EBAY-2.7). */
const longestCode = 200;

/**
 * Answers a challenge: hex SHA-256 over code, verification token and address, the address exactly as it was registered
 * (EBAY-2.3, EBAY-9.10). The address of the account-deletion notice is registered by hand in the developer portal, so
 * that an unknown one is taken from `server.public_url`, and from the Host header where that is not set.
 */
function answerChallenge({ config, deps, learned }: Shop, request: HookRequest): Receipt {
  const codes = new URLSearchParams(request.query).getAll('challenge_code');
  const [code = ''] = codes;
  if (codes.length === 0) return refused('notifications are sent by POST', 405);
  if (codes.length > 1 || code.length === 0 || code.length > longestCode) {
    return refused('the challenge code is of the wrong length', 400);
  }
  const token = config.verification_token;
  if (token === undefined) return refused('no verification_token is configured', 412);
  const { clock, vault } = deps;
  if (learned.address === null || clock.now() - learned.address.readAt > believedMs) {
    const load = async (): Promise<void> => {
      learned.address = { url: await vault.get(vaultKey), readAt: clock.now() };
    };
    return { kind: 'needs', load };
  }
  const address = addressOf(deps, learned.address.url, request);
  if (address === null) return refused('the Host header is missing or odd', 400);
  const challengeResponse = digestOf(code, token, address);
  return {
    kind: 'handshake',
    status: 200,
    contentType: 'application/json',
    body: JSON.stringify({ challengeResponse }),
  };
}

function addressOf(deps: Shop['deps'], registered: string | null, request: HookRequest): string | null {
  const path = `/hooks/${deps.name}${request.path}`;
  if (registered !== null && pathOf(registered).endsWith(path)) return registered;
  if (deps.publicUrl !== null) return `${deps.publicUrl}${path}`;
  const host = request.headers['x-forwarded-host'] ?? request.headers['host'] ?? '';
  if (!/^[a-z0-9.:[\]-]{1,255}$/i.test(host)) return null;
  const scheme = /^(?:127\.|localhost|\[::1\])/.test(host) ? 'http' : 'https';
  return `${scheme}://${host}${path}`;
}

/** An address without scheme and host. */
export function pathOf(url: string): string {
  return url.replace(/^https?:\/\/[^/]*/, '');
}
