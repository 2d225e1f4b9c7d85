import { createVerify, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { ChannelDeps, HookRequest, Receipt } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { refused } from '../kit/hook.ts';
import { createHttpClient } from '../kit/http.ts';
import { jsonOf } from '../kit/json.ts';
import { exactBase64 } from '../kit/sign.ts';
import { createCertificates } from './certificates.ts';
import type { AmazonConfig } from './config.ts';
import { deliveryOf } from './notification.ts';
import { userAgent } from './platform.ts';

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
const snsMessage = z.discriminatedUnion('Type', [
  z.object({ ...shared, Type: z.literal('Notification'), Subject: z.string().nullish() }),
  z.object({ ...shared, ...confirmation }),
]);
type SnsMessage = z.infer<typeof snsMessage>;
type SnsConfirmation = Exclude<SnsMessage, { Type: 'Notification' }>;

/** A token lives for two to three days (AMZ-2.7, from memory): what is older is a replay. */
const oldestConfirmationMs = 3 * 86_400_000;
const newestConfirmationMs = 3_600_000;
/** Confirmed tokens that are remembered against replays. */
const maxConfirmed = 100;
const confirmTimeoutMs = 3_000;

/** The SNS listener (AMZ-2.7), with its own connections; nothing is asked for before a message of a known topic came. */
export function createSnsDoor(config: AmazonConfig, deps: ChannelDeps) {
  const { clock, log, timeoutMs } = deps;
  const http = createHttpClient({ clock, timeoutMs, userAgent, maxConnections: 2 });
  const override = config.cert_url_override ?? null;
  const certificates = createCertificates(http, clock, override);
  const confirmed = new Set<string>();
  const topics = new Set(config.sns?.topics ?? []);

  const confirm = async (message: SnsConfirmation, signal: AbortSignal): Promise<void> => {
    if (confirmed.has(message.Token)) return;
    confirmed.add(message.Token);
    const url = confirmUrl(message, override === null ? null : new URL(override).origin);
    try {
      const answer = await http({ method: 'GET', url, timeoutMs: confirmTimeoutMs }, signal);
      if (answer.status !== 200)
        throw new ChannelError('retry', `SNS answered ${answer.status} to the confirmation`);
      log.info({ topic: message.TopicArn }, 'SNS subscription confirmed');
    } catch (error) {
      confirmed.delete(message.Token);
      throw error;
    }
    const [oldest = ''] = confirmed;
    if (confirmed.size > maxConfirmed) confirmed.delete(oldest);
  };

  /** A text is why it is refused. */
  const judge = (request: HookRequest): Receipt | string => {
    if (topics.size === 0) return 'no sns.topics are configured';
    const read = readMessage(request);
    if (typeof read === 'string') return read;
    const { SigningCertURL: url, TopicArn: topic } = read;
    if (!topics.has(topic)) return 'the topic is not among sns.topics';
    if (!isCertUrl(url, topic)) return 'its certificate is not on the SNS host of the topic';
    const certificate = certificates.look(url);
    if (certificate?.kind === 'bad') return certificate.why;
    if (certificate?.kind !== 'good')
      return { kind: 'needs', load: (signal) => certificates.load(url, signal) };
    if (!verifies(read, certificate.key)) return 'the signature is wrong';
    return believed(read, request, { now: clock.now(), confirm });
  };
  return {
    close: () => http.close(),
    receive(request: HookRequest): Receipt {
      if (request.method !== 'POST') return refused('SNS sends by POST', 405);
      const receipt = judge(request);
      // SNS ends a delivery at any 4xx, so that nothing of our own making may be one.
      return typeof receipt === 'string' ? refused(receipt, 403) : receipt;
    },
  };
}

/** The message, or why it is refused before anything is asked of anybody. */
function readMessage({ headers, body }: HookRequest): SnsMessage | string {
  if (headers['x-amz-sns-rawdelivery'] === 'true')
    return 'raw message delivery has no signature: switch it off for this subscription';
  const json = jsonOf(body);
  if (json === undefined) return 'the body is no JSON';
  const parsed = snsMessage.safeParse(json);
  if (!parsed.success) return 'the body is no message of SNS';
  const { Type, TopicArn } = parsed.data;
  if ((headers['x-amz-sns-message-type'] ?? Type) !== Type)
    return 'its header names another type than the body';
  if ((headers['x-amz-sns-topic-arn'] ?? TopicArn) !== TopicArn)
    return 'its header names another topic than the body';
  return hostOf(TopicArn) === null ? 'the topic is no ARN of one' : parsed.data;
}

function believed(
  message: SnsMessage,
  { body }: HookRequest,
  means: { now: number; confirm(message: SnsConfirmation, signal: AbortSignal): Promise<void> },
): Receipt | string {
  const { Type: kind, MessageId } = message;
  if (kind === 'Notification') return { kind: 'deliveries', deliveries: [deliveryOf(body)] };
  // Its token would subscribe again: whether that is wanted is for a person to say.
  if (kind === 'UnsubscribeConfirmation')
    return { kind: 'deliveries', deliveries: [{ key: `sns:${MessageId}`, kind, meta: null, body }] };
  const ageMs = means.now - Date.parse(message.Timestamp);
  if (!(ageMs <= oldestConfirmationMs && ageMs >= -newestConfirmationMs))
    return 'the confirmation is too old, or of the future';
  if (!isSubscribeUrl(message.SubscribeURL, message.TopicArn))
    return 'its SubscribeURL is not the confirmation of its topic';
  const complete = (signal: AbortSignal) => means.confirm(message, signal);
  return { kind: 'handshake', status: 200, body: '', contentType: 'text/plain', complete };
}

/** The only host that a topic's certificates and confirmations may be on; null when the text is no ARN of one. */
function hostOf(topicArn: string): string | null {
  const [, partition, region] =
    /^arn:(aws|aws-cn):sns:([a-z0-9-]{3,}):\d{12}:[A-Za-z0-9_.-]{1,256}$/.exec(topicArn) ?? [];
  if (region === undefined) return null;
  return `sns.${region}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}`;
}

/**
 * May the certificate be fetched from there? The text itself is matched, before any parser could read something else
 * into it: https, the SNS host of the topic's own region, no port, no user, no query, one file name of 32 hex digits.
 */
export function isCertUrl(url: string, topicArn: string): boolean {
  const host = hostOf(topicArn);
  const prefix = `https://${host}/SimpleNotificationService-`;
  return host !== null && url.startsWith(prefix) && /^[0-9a-f]{32}\.pem$/.test(url.slice(prefix.length));
}

/** Does the address that a confirmation names lie where it must? It is never called; `confirmUrl` is. */
export function isSubscribeUrl(url: string, topicArn: string): boolean {
  const host = hostOf(topicArn);
  if (host === null || !url.startsWith(`https://${host}/?`) || !URL.canParse(url)) return false;
  const query = new URL(url).searchParams;
  return query.get('Action') === 'ConfirmSubscription' && query.get('TopicArn') === topicArn;
}

/** The call that confirms a subscription, made from topic and token alone; `origin` replaces the host in tests. */
function confirmUrl({ Token, TopicArn }: SnsConfirmation, origin: string | null): string {
  const query = new URLSearchParams({ Action: 'ConfirmSubscription', TopicArn, Token });
  return `${origin ?? `https://${hostOf(TopicArn)}`}/?${query}`;
}

/** The text that is signed: `key LF value LF` in byte order of the keys, values as JSON tells them (AMZ-2.7). */
function signedText(message: SnsMessage): string {
  const { Signature, SignatureVersion, SigningCertURL, ...signed } = message;
  return Object.entries(signed)
    .filter(([, value]) => value !== undefined && value !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}\n${value}\n`)
    .join('');
}

/** Is the signature that of the key? Version 1 is SHA-1, version 2 SHA-256; canonical base64 only. */
function verifies(message: SnsMessage, key: KeyObject): boolean {
  const signature = exactBase64(message.Signature);
  const verify = createVerify(message.SignatureVersion === '1' ? 'RSA-SHA1' : 'RSA-SHA256');
  return signature !== null && verify.update(signedText(message), 'utf8').verify(key, signature);
}
