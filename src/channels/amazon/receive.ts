import type { ChannelDeps, HookRequest, Receipt } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { refused as refusedWith } from '../kit/hook.ts';
import { createHttpClient } from '../kit/http.ts';
import { jsonOf } from '../kit/json.ts';
import { userAgent } from './api.ts';
import { createCertificates } from './certificates.ts';
import type { AmazonConfig } from './config.ts';
import { deliveryOf } from './envelope.ts';
import {
  confirmUrl,
  isCertUrl,
  isSubscribeUrl,
  type SnsConfirmation,
  type SnsMessage,
  snsMessage,
  topicOf,
  verifies,
} from './sns.ts';

/** The SNS listener of one channel (AMZ-2.7). */
interface SnsDoor {
  receive(request: HookRequest): Receipt;
  close(): Promise<void>;
}

/** A token lives for two to three days (AMZ-2.7, from memory): what is older is a replay. */
const oldestConfirmationMs = 3 * 86_400_000;
const newestConfirmationMs = 3_600_000;
/** Confirmed tokens that are remembered against replays. */
const maxConfirmed = 100;
const confirmTimeoutMs = 3_000;

/** Refusals are 403: SNS ends a delivery at any 4xx, so that nothing of our own making may be one. */
function refused(reason: string, status: 403 | 405 = 403): Receipt {
  return refusedWith(reason, status);
}

/** A door with its own small connection pool; nothing is asked for before a message of a known topic came. */
export function createSnsDoor(config: AmazonConfig, deps: ChannelDeps): SnsDoor {
  const http = createHttpClient({
    clock: deps.clock,
    timeoutMs: deps.timeoutMs,
    userAgent,
    maxConnections: 2,
  });
  const override = config.cert_url_override ?? null;
  const certificates = createCertificates(http, deps.clock, override);
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
      deps.log.info({ topic: message.TopicArn }, 'SNS subscription confirmed');
    } catch (error) {
      confirmed.delete(message.Token);
      throw error;
    }
    for (const oldest of confirmed) {
      if (confirmed.size <= maxConfirmed) break;
      confirmed.delete(oldest);
    }
  };

  return {
    close: () => http.close(),
    receive(request) {
      if (request.method !== 'POST') return refused('SNS sends by POST', 405);
      if (topics.size === 0) return refused('no sns.topics are configured');
      const read = readMessage(request);
      if (typeof read === 'string') return refused(read);
      if (!topics.has(read.TopicArn)) return refused('the topic is not among sns.topics');
      if (!isCertUrl(read.SigningCertURL, read.TopicArn))
        return refused('its certificate is not on the SNS host of the topic');
      const certificate = certificates.look(read.SigningCertURL);
      if (certificate.kind === 'bad') return refused(certificate.why);
      if (certificate.kind !== 'good') {
        return { kind: 'needs', load: (signal) => certificates.load(read.SigningCertURL, signal) };
      }
      if (!verifies(read, certificate.key)) return refused('the signature is wrong');
      return believed(read, request, { now: deps.clock.now(), confirm });
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
  return topicOf(TopicArn) === null ? 'the topic is no ARN of one' : parsed.data;
}

function believed(
  message: SnsMessage,
  request: HookRequest,
  means: { now: number; confirm(message: SnsConfirmation, signal: AbortSignal): Promise<void> },
): Receipt {
  if (message.Type === 'Notification') {
    return { kind: 'deliveries', deliveries: [deliveryOf(request.body)] };
  }
  if (message.Type === 'UnsubscribeConfirmation') {
    // Its token would subscribe again: whether that is wanted is for a person to say.
    const delivery = { key: `sns:${message.MessageId}`, kind: message.Type, meta: null, body: request.body };
    return { kind: 'deliveries', deliveries: [delivery] };
  }
  const ageMs = means.now - Date.parse(message.Timestamp);
  if (!(ageMs <= oldestConfirmationMs && ageMs >= -newestConfirmationMs))
    return refused('the confirmation is too old, or of the future');
  if (!isSubscribeUrl(message.SubscribeURL, message.TopicArn))
    return refused('its SubscribeURL is not the confirmation of its topic');
  return {
    kind: 'handshake',
    status: 200,
    body: '',
    contentType: 'text/plain',
    complete: (signal) => means.confirm(message, signal),
  };
}
