import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { HookRequest, Receipt } from '../channel.ts';
import { refused } from '../kit/hook.ts';
import { Text } from '../kit/shapes.ts';
import type { Shop } from './api.ts';
import { callLimits, many, optionalTable, parseXml } from './xml.ts';

/** Prefix of the kind of a delivery that came by SOAP. */
export const platformPrefix = 'platform/';

const Transaction = z.object({
  OrderLineItemID: Text,
  ContainingOrder: optionalTable(z.object({ OrderID: Text })).catch(undefined),
  Variation: optionalTable(z.object({ SKU: Text })).catch(undefined),
});
const Content = z.object({
  Timestamp: z.string().min(1).max(40),
  NotificationEventName: z.string().regex(/^\w{1,60}$/),
  Item: optionalTable(z.object({ ItemID: Text, SKU: Text })).catch(undefined),
  TransactionArray: optionalTable(z.object({ Transaction: many(Transaction) })).catch(undefined),
});
/** What is read of a notification: which event, which listing, which order. Nothing of it is proven (see below). */
export type PlatformContent = z.infer<typeof Content>;

const Soap = z.object({
  Envelope: z.object({
    Header: optionalTable(
      z.object({ RequesterCredentials: z.object({ NotificationSignature: z.string().max(100) }) }),
    ),
    Body: z.record(z.string(), z.unknown()),
  }),
});

/** Older and younger ones are refused, because a signature may be used again for another body (EBAY-2.6). */
const believedMs = 10 * 60_000;

/**
 * Authenticates a Platform Notification: base64 of MD5 over time stamp, Dev ID, App ID and Cert ID (EBAY-2.6). The
 * signature does not cover the body, so that whoever saw one may say anything for ten minutes: the content is a hint to
 * read orders and listings anew, and is never booked.
 */
export function receivePlatform(shop: Shop, request: HookRequest): Receipt {
  const { dev_id: devId, client_id: appId, client_secret: certId } = shop.config;
  if (devId === undefined) return refused('Platform Notifications need dev_id in the configuration', 412);
  const read = readSoap(request.body);
  if (read === null) return refused('the SOAP envelope is not readable', 412);
  const { content, signature } = read;
  const expected = createHash('md5').update(`${content.Timestamp}${devId}${appId}${certId}`).digest();
  const given = Buffer.from(signature, 'base64');
  const sound = given.length === expected.length && given.toString('base64') === signature;
  if (!sound || !timingSafeEqual(given, expected)) return refused('the signature does not match', 412);
  const at = Date.parse(content.Timestamp);
  if (Number.isNaN(at) || Math.abs(request.receivedAt - at) > believedMs) {
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

/** Content and signature of a SOAP body; null when it is none, too large, too deep, or has a document type. */
export function readSoap(body: Uint8Array): { content: PlatformContent; signature: string } | null {
  let tree: unknown;
  try {
    tree = parseXml(body, callLimits);
  } catch {
    return null;
  }
  const soap = Soap.safeParse(tree);
  if (!soap.success) return null;
  const { Header, Body } = soap.data.Envelope;
  const content = Content.safeParse(Object.values(Body)[0]);
  if (!content.success) return null;
  return { content: content.data, signature: Header?.RequesterCredentials.NotificationSignature ?? '' };
}
