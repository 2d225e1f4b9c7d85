import { createVerify, type KeyObject } from 'node:crypto';
import { z } from 'zod';

const confirmation = {
  Type: z.enum(['SubscriptionConfirmation', 'UnsubscribeConfirmation']),
  Token: z.string().min(1).max(4_096),
  SubscribeURL: z.string().max(8_192),
};
const shared = {
  // The signed text carries no lengths: an id with lines in it could pass for other fields.
  MessageId: z.string().regex(/^[A-Za-z0-9-]{1,200}$/),
  TopicArn: z.string().min(1).max(400),
  Message: z.string(),
  Timestamp: z.string(),
  SignatureVersion: z.enum(['1', '2']),
  Signature: z.string().min(1).max(4_096),
  SigningCertURL: z.string().max(2_048),
};

/** A message of SNS as it arrives over HTTPS, the signed fields (AMZ-2.7). */
export const snsMessage = z.discriminatedUnion('Type', [
  z.object({ ...shared, Type: z.literal('Notification'), Subject: z.string().nullish() }),
  z.object({ ...shared, ...confirmation }),
]);
export type SnsMessage = z.infer<typeof snsMessage>;
export type SnsConfirmation = Exclude<SnsMessage, { Type: 'Notification' }>;

/** A topic by its parts; null when the text is no ARN of one. */
export function topicOf(arn: string): { partition: 'aws' | 'aws-cn'; region: string } | null {
  const match = /^arn:(aws|aws-cn):sns:([a-z0-9-]{3,}):\d{12}:[A-Za-z0-9_.-]{1,256}$/.exec(arn);
  const [, partition, region] = match ?? [];
  if (region === undefined) return null;
  return { partition: partition === 'aws-cn' ? 'aws-cn' : 'aws', region };
}

/** The only host that a topic's certificates and confirmations may be on. */
function hostOf(topic: { partition: 'aws' | 'aws-cn'; region: string }): string {
  return `sns.${topic.region}.amazonaws.com${topic.partition === 'aws-cn' ? '.cn' : ''}`;
}

/**
 * May the certificate be fetched from there? The text itself is matched, before any parser could read something else
 * into it: https, the SNS host of the topic's own region, no port, no user, no query, one file name of 32 hex digits.
 */
export function isCertUrl(url: string, topicArn: string): boolean {
  const topic = topicOf(topicArn);
  if (topic === null) return false;
  const prefix = `https://${hostOf(topic)}/SimpleNotificationService-`;
  return url.startsWith(prefix) && /^[0-9a-f]{32}\.pem$/.test(url.slice(prefix.length));
}

/** Does the address that a confirmation names lie where it must? It is never called; `confirmUrl` is. */
export function isSubscribeUrl(url: string, topicArn: string): boolean {
  const topic = topicOf(topicArn);
  if (topic === null || !url.startsWith(`https://${hostOf(topic)}/?`) || !URL.canParse(url)) return false;
  const query = new URL(url).searchParams;
  return query.get('Action') === 'ConfirmSubscription' && query.get('TopicArn') === topicArn;
}

/** The call that confirms a subscription, made from topic and token alone; `origin` replaces the host in tests. */
export function confirmUrl(message: SnsConfirmation, origin: string | null): string {
  const topic = topicOf(message.TopicArn);
  const host = topic === null ? null : `https://${hostOf(topic)}`;
  const query = new URLSearchParams({
    Action: 'ConfirmSubscription',
    TopicArn: message.TopicArn,
    Token: message.Token,
  });
  return `${origin ?? host}/?${query}`;
}

/** The text that is signed: `key LF value LF` in byte order of the keys, values as JSON tells them (AMZ-2.7). */
function signedText(message: SnsMessage): string {
  const fields: Record<string, string | null | undefined> =
    message.Type === 'Notification'
      ? { Subject: message.Subject }
      : { SubscribeURL: message.SubscribeURL, Token: message.Token };
  const { Message, MessageId, Timestamp, TopicArn, Type } = message;
  return Object.entries({ ...fields, Message, MessageId, Timestamp, TopicArn, Type })
    .filter((entry) => entry[1] !== undefined && entry[1] !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}\n${value}\n`)
    .join('');
}

/** Is the signature that of the key? Version 1 is SHA-1, version 2 SHA-256; canonical base64 only. */
export function verifies(message: SnsMessage, key: KeyObject): boolean {
  const signature = Buffer.from(message.Signature, 'base64');
  if (signature.toString('base64') !== message.Signature) return false;
  const algorithm = message.SignatureVersion === '1' ? 'RSA-SHA1' : 'RSA-SHA256';
  return createVerify(algorithm).update(signedText(message), 'utf8').verify(key, signature);
}
