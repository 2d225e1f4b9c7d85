import { z } from 'zod';
import type { ChannelDeps, Delivery } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { createHttpClient, type HttpAnswer } from '../kit/http.ts';
import { jsonOf } from '../kit/json.ts';
import type { AmazonConfig, QueueConfig } from './config.ts';
import { deliveryOf } from './notification.ts';
import { regionFacts, scrub, userAgent } from './platform.ts';
import { signedHeaders } from './sigv4.ts';

/** The merchant's SQS queue over its JSON protocol (AMZ-2.5). */
export interface Queue {
  /** As a destination is named. */
  arn: string;
  /** FIFO queues receive nothing, without a word (AMZ-9.1). */
  isFifo: boolean;
  /** Throws nothing but `ChannelError`. */
  call<T>(call: QueueCall<T>, signal: AbortSignal): Promise<T>;
  close(): Promise<void>;
}

interface QueueCall<T> {
  action: string;
  input: Record<string, unknown>;
  data: z.ZodType<T>;
}

const message = z.object({ MessageId: z.string(), ReceiptHandle: z.string(), Body: z.string() });
const received = z.object({ Messages: z.array(message).nullish() });
/** What `Failed` names comes again. */
const removed = z.object({ Failed: z.array(z.object({ Id: z.string() })).nullish() });
const refusal = z.object({ __type: z.string().optional(), message: z.string().optional() });

/** Longest poll and most messages that SQS allows, and the time in which a message must be on disk (AMZ-2.5). */
const poll = {
  MaxNumberOfMessages: 10,
  WaitTimeSeconds: 20,
  VisibilityTimeout: 60,
  MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
};
/** The socket must outlive the poll. */
const pollTimeoutMs = 30_000;
/** What was taken is removed although we are asked to stop, or it would come again after the next start. */
const removeTimeoutMs = 5_000;

/** Opens a connection pool of its own: a long poll must not hold up a push. */
export function createQueue(config: AmazonConfig, own: QueueConfig, deps: ChannelDeps): Queue {
  const http = createHttpClient({ clock: deps.clock, timeoutMs: deps.timeoutMs, userAgent });
  const timeoutMs = Math.max(pollTimeoutMs, deps.timeoutMs);
  const { hostname, origin, pathname } = new URL(own.queue_url);
  const region = cloudRegionOf(hostname) ?? regionFacts[config.region].cloud;
  const [account = '', name = ''] = pathname.split('/').filter(Boolean).slice(-2);
  const partition = region.startsWith('cn-') ? 'aws-cn' : 'aws';
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey } = own;
  const url = `${config.sqs_endpoint ?? origin}/`;
  return {
    arn: `arn:${partition}:sqs:${region}:${account}:${name}`,
    isFifo: name.endsWith('.fifo'),
    async call({ action, input, data }, signal) {
      const body = JSON.stringify({ QueueUrl: own.queue_url, ...input });
      const named = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${action}` };
      const request = { method: 'POST' as const, url, headers: named, body };
      const keys = { accessKeyId, secretAccessKey, region, service: 'sqs' };
      const headers = signedHeaders(request, keys, deps.clock.now());
      const answer = await http({ ...request, headers, timeoutMs }, signal);
      if (answer.status !== 200) throw queueFailure(action, answer);
      const parsed = data.safeParse(jsonOf(answer.body));
      if (parsed.success) return parsed.data;
      throw new ChannelError('retry', `SQS ${action}: answered in an unexpected shape`);
    },
    close: () => http.close(),
  };
}

/**
 * Hands over what the queue brings until aborted; a message is removed only after `take` has resolved. A crash in
 * between, or a removal that fails, brings the message again, which its key absorbs (AMZ-2.4, AMZ-2.5).
 */
export async function listen(
  queue: Queue,
  take: (deliveries: Delivery[]) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const call = { action: 'ReceiveMessage', input: poll, data: received };
    const { Messages } = await queue.call(call, signal).catch((error: unknown) => {
      // A poll that was cut off by our own stop is the end of listening, not a failure.
      if (signal.aborted && error instanceof ChannelError) return { Messages: [] };
      throw error;
    });
    const messages = Messages ?? [];
    if (signal.aborted && messages.length === 0) return;
    await take(messages.map(({ Body }) => deliveryOf(Buffer.from(Body, 'utf8'))));
    if (messages.length === 0) continue;
    const Entries = messages.map(({ ReceiptHandle }, at) => ({ Id: String(at + 1), ReceiptHandle }));
    const remove = { action: 'DeleteMessageBatch', input: { Entries }, data: removed };
    await queue.call(remove, AbortSignal.timeout(removeTimeoutMs));
  }
}

export const fifoHint = 'make a standard queue and set its URL as sqs.queue_url';

/** Amazon's own AWS account, which sends (AMZ-2.5), and what it must be allowed to do. */
export const sender = { account: '437568002678', actions: ['SendMessage', 'GetQueueAttributes'] };

export function policyHint(arn: string): string {
  const actions = sender.actions.map((action) => `sqs:${action}`).join(' and ');
  return `allow the AWS account ${sender.account} ${actions} on ${arn} in the queue's access policy`;
}

/** `eu-west-1` of `sqs.eu-west-1.amazonaws.com` (or the older `eu-west-1.queue.amazonaws.com`). */
export function cloudRegionOf(host: string): string | null {
  const match = /^(?:sqs\.([a-z0-9-]+)|([a-z0-9-]+)\.queue)\.amazonaws\.com(?:\.cn)?$/.exec(host);
  return match?.[1] ?? match?.[2] ?? null;
}

/** Error names of SQS and its gate that no retry mends. */
const denied =
  /AccessDenied|InvalidClientTokenId|SignatureDoesNotMatch|InvalidSecurity|UnrecognizedClient|MissingAuthentication|IncompleteSignature|ExpiredToken|InvalidAccessKeyId|NotAuthorized/i;

function queueFailure(action: string, answer: HttpAnswer): ChannelError {
  const said = refusal.safeParse(jsonOf(answer.body)).data;
  const name = said?.__type?.split('#').at(-1) || (answer.headers['x-amzn-query-error']?.split(';')[0] ?? '');
  const words = scrub(said?.message ?? '');
  const told = `SQS ${action}: ${answer.status} ${name}${words === '' ? '' : `: ${words}`}`.trim();
  if (/QueueDoesNotExist|NonExistentQueue|InvalidAddress/.test(name))
    return new ChannelError('rejected', told, { hint: 'check sqs.queue_url: account, name and region' });
  if (denied.test(name) || answer.status === 401 || answer.status === 403) {
    return new ChannelError('auth', told, {
      hint: 'check sqs.access_key_id and sqs.secret_access_key, this machine’s clock, and that the user may ReceiveMessage, DeleteMessage and GetQueueAttributes on the queue',
    });
  }
  if (/Throttl|OverLimit|TooManyRequests/i.test(name) || answer.status === 429)
    return new ChannelError('throttled', told, { afterMs: 1_000 });
  if (answer.status >= 500) return new ChannelError('retry', told);
  return new ChannelError('rejected', told, { hint: 'run: invsync check' });
}
