import { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { createHttpClient, type HttpAnswer, type HttpClient } from '../kit/http.ts';
import { jsonOf } from '../kit/json.ts';
import { scrub, userAgent } from './api.ts';
import type { AmazonConfig, QueueConfig } from './config.ts';
import { regionFacts } from './region.ts';
import { signedHeaders } from './sigv4.ts';

/** A message as the queue lends it; the receipt is good until its visibility time-out ends. */
interface QueueMessage {
  messageId: string;
  receipt: string;
  body: string;
}

/** The merchant's SQS queue over its JSON protocol (AMZ-2.5). Throws nothing but `ChannelError`. */
export interface Queue {
  /** As a destination is named. */
  arn: string;
  /** FIFO queues receive nothing, without a word (AMZ-9.1). */
  isFifo: boolean;
  /** Waits up to 20 s for up to 10 messages. */
  receive(signal: AbortSignal): Promise<QueueMessage[]>;
  /** Removes messages; answers how many the queue kept, which come again. */
  remove(receipts: string[], signal: AbortSignal): Promise<number>;
  attributes(signal: AbortSignal): Promise<Record<string, string>>;
  close(): Promise<void>;
}

const messages = z.object({
  Messages: z
    .array(z.object({ MessageId: z.string(), ReceiptHandle: z.string(), Body: z.string() }))
    .nullish(),
});
const removed = z.object({ Failed: z.array(z.object({ Id: z.string() })).nullish() });
const attributes = z.object({ Attributes: z.record(z.string(), z.string()).nullish() });
const refusal = z.object({ __type: z.string().optional(), message: z.string().optional() });

/** Longest poll that SQS allows, and the time in which a message must be on disk (AMZ-2.5). */
const waitSeconds = 20;
const visibilitySeconds = 60;
/** The socket must outlive the poll. */
const pollTimeoutMs = 30_000;
const batch = 10;

/** Opens a connection pool of its own: a long poll must not hold up a push. */
export function createQueue(config: AmazonConfig, own: QueueConfig, deps: ChannelDeps): Queue {
  const http = createHttpClient({ clock: deps.clock, timeoutMs: deps.timeoutMs, userAgent });
  const url = new URL(own.queue_url);
  const region = cloudRegionOf(url.hostname) ?? regionFacts[config.region].cloud;
  const [account = '', name = ''] = url.pathname.split('/').filter(Boolean).slice(-2);
  const partition = region.startsWith('cn-') ? 'aws-cn' : 'aws';
  const call = createCaller({ http, deps, own, region, endpoint: `${config.sqs_endpoint ?? url.origin}/` });

  return {
    arn: `arn:${partition}:sqs:${region}:${account}:${name}`,
    isFifo: name.endsWith('.fifo'),
    async receive(signal) {
      const input = {
        MaxNumberOfMessages: batch,
        WaitTimeSeconds: waitSeconds,
        VisibilityTimeout: visibilitySeconds,
        MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
      };
      const { Messages } = await call('ReceiveMessage', input, messages, signal);
      return (Messages ?? []).map(({ MessageId, ReceiptHandle, Body }) => ({
        messageId: MessageId,
        receipt: ReceiptHandle,
        body: Body,
      }));
    },
    async remove(receipts, signal) {
      if (receipts.length === 0) return 0;
      const Entries = receipts.map((ReceiptHandle, at) => ({ Id: String(at + 1), ReceiptHandle }));
      const { Failed } = await call('DeleteMessageBatch', { Entries }, removed, signal);
      return Failed?.length ?? 0;
    },
    async attributes(signal) {
      const { Attributes } = await call(
        'GetQueueAttributes',
        { AttributeNames: ['All'] },
        attributes,
        signal,
      );
      return Attributes ?? {};
    },
    close: () => http.close(),
  };
}

type Caller = <T>(
  action: string,
  input: Record<string, unknown>,
  data: z.ZodType<T>,
  signal: AbortSignal,
) => Promise<T>;

function createCaller(link: {
  http: HttpClient;
  deps: ChannelDeps;
  own: QueueConfig;
  region: string;
  endpoint: string;
}): Caller {
  const { http, deps, own, endpoint } = link;
  const keys = {
    accessKeyId: own.access_key_id,
    secretAccessKey: own.secret_access_key,
    region: link.region,
    service: 'sqs',
  };
  return async (action, input, data, signal) => {
    const body = JSON.stringify({ QueueUrl: own.queue_url, ...input });
    const named = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${action}` };
    const request = { method: 'POST' as const, url: endpoint, headers: named, body };
    const headers = signedHeaders(request, keys, deps.clock.now());
    const timeoutMs = Math.max(pollTimeoutMs, deps.timeoutMs);
    const answer = await http({ ...request, headers, timeoutMs }, signal);
    if (answer.status !== 200) throw queueFailure(action, answer);
    const parsed = data.safeParse(jsonOf(answer.body));
    if (parsed.success) return parsed.data;
    throw new ChannelError('retry', `SQS ${action}: answered in an unexpected shape`);
  };
}

/** `eu-west-1` of `sqs.eu-west-1.amazonaws.com` (or the older `eu-west-1.queue.amazonaws.com`). */
export function cloudRegionOf(host: string): string | null {
  const match =
    /^(?:sqs\.)([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/.exec(host) ??
    /^([a-z0-9-]+)\.queue\.amazonaws\.com(?:\.cn)?$/.exec(host);
  return match?.[1] ?? null;
}

/** Error names of SQS and its gate that no retry mends. */
const denied =
  /AccessDenied|InvalidClientTokenId|SignatureDoesNotMatch|InvalidSecurity|UnrecognizedClient|MissingAuthentication|IncompleteSignature|ExpiredToken|InvalidAccessKeyId|NotAuthorized/i;

function queueFailure(action: string, answer: HttpAnswer): ChannelError {
  const parsed = refusal.safeParse(jsonOf(answer.body));
  const type = (parsed.success ? parsed.data.__type : undefined)?.split('#').at(-1) ?? '';
  const name = type || (answer.headers['x-amzn-query-error']?.split(';')[0] ?? '');
  const message = scrub((parsed.success ? parsed.data.message : undefined) ?? '');
  const told = `SQS ${action}: ${answer.status} ${name}${message === '' ? '' : `: ${message}`}`.trim();
  if (/QueueDoesNotExist|NonExistentQueue|InvalidAddress/.test(name)) {
    return new ChannelError('rejected', told, { hint: 'check sqs.queue_url: account, name and region' });
  }
  if (denied.test(name) || answer.status === 401 || answer.status === 403) {
    return new ChannelError('auth', told, {
      hint: 'check sqs.access_key_id and sqs.secret_access_key, this machine’s clock, and that the user may ReceiveMessage, DeleteMessage and GetQueueAttributes on the queue',
    });
  }
  if (/Throttl|OverLimit|TooManyRequests/i.test(name) || answer.status === 429) {
    return new ChannelError('throttled', told, { afterMs: 1_000 });
  }
  if (answer.status >= 500) return new ChannelError('retry', told);
  return new ChannelError('rejected', told, { hint: 'run: invsync check' });
}
