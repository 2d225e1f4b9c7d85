import { z } from 'zod';
import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import type { Queue, Received } from './queue.ts';
import { refusalOf, type SigningRefusal } from './sigv4.ts';
import type { Site } from './site.ts';

/** The queue's endpoint in the JSON protocol (AMZ-2.5, last verified 2026-11). */

export interface SqsDeps {
  site: Site;
  queue: Queue;
  secretOf(accessKeyId: string): string | null;
}

/** Anything that the endpoint refuses. */
class SqsProblem extends Error {
  readonly status: number;
  readonly type: string;

  constructor(status: number, type: string, message: string) {
    super(message);
    this.type = type;
    this.status = status;
  }
}

const contentType = 'application/x-amz-json-1.0';
const defaultVisibilitySeconds = 30;
const defaultWaitSeconds = 20;
const maxVisibilitySeconds = 43_200;
/** The platform's own account, which the queue's policy must let in (AMZ-2.5). */
const platformAccount = '437568002678';

/** How this protocol spells what the older query protocol calls by its short name (from memory, untried). */
const signingTypes: Record<SigningRefusal['code'], string> = {
  MissingAuthenticationToken: 'com.amazon.coral.service#MissingAuthenticationTokenException',
  IncompleteSignature: 'com.amazon.coral.service#IncompleteSignatureException',
  InvalidClientTokenId: 'com.amazon.coral.service#UnrecognizedClientException',
  SignatureDoesNotMatch: 'com.amazon.coral.service#InvalidSignatureException',
};

const queueUrl = z.object({ QueueUrl: z.string() });
const receiveSchema = queueUrl.extend({
  MaxNumberOfMessages: z.number().int().optional(),
  WaitTimeSeconds: z.number().int().optional(),
  VisibilityTimeout: z.number().int().optional(),
  MessageSystemAttributeNames: z.array(z.string()).optional(),
  AttributeNames: z.array(z.string()).optional(),
});
const oneSchema = queueUrl.extend({ ReceiptHandle: z.string() });
const batchSchema = queueUrl.extend({
  Entries: z.array(
    z.object({ Id: z.string(), ReceiptHandle: z.string(), VisibilityTimeout: z.number().int().optional() }),
  ),
});
const visibilitySchema = oneSchema.extend({ VisibilityTimeout: z.number().int() });
const attributesSchema = queueUrl.extend({ AttributeNames: z.array(z.string()).optional() });
const urlSchema = z.object({ QueueName: z.string() });

export function isSqs(request: ShopRequest): boolean {
  return request.method === 'POST' && (request.headers['x-amz-target'] ?? '').startsWith('AmazonSQS.');
}

/** Answers one action; null when the caller has hung up meanwhile. */
export function createSqs(deps: SqsDeps): (request: ShopRequest) => Promise<ShopAnswer | null> {
  const { site, queue } = deps;
  const answer = (status: number, body: unknown): ShopAnswer => ({
    status,
    headers: { 'content-type': contentType, 'x-amzn-RequestId': site.uuid() },
    body: JSON.stringify(body),
  });

  const act = async (action: string, body: unknown, request: ShopRequest): Promise<unknown> => {
    switch (action) {
      case 'ReceiveMessage':
        return receive(deps, parse(receiveSchema, body), request);
      case 'DeleteMessage': {
        const { QueueUrl, ReceiptHandle } = parse(oneSchema, body);
        needQueue(queue, QueueUrl);
        if (queue.remove(ReceiptHandle) === 'unknown') throw badHandle(ReceiptHandle);
        return {};
      }
      case 'DeleteMessageBatch':
        return deleteBatch(queue, parse(batchSchema, body));
      case 'ChangeMessageVisibility': {
        const { QueueUrl, ReceiptHandle, VisibilityTimeout } = parse(visibilitySchema, body);
        needQueue(queue, QueueUrl);
        changeVisibility(queue, ReceiptHandle, VisibilityTimeout);
        return {};
      }
      case 'GetQueueAttributes': {
        const { QueueUrl, AttributeNames = [] } = parse(attributesSchema, body);
        needQueue(queue, QueueUrl);
        return attributes(deps, AttributeNames);
      }
      case 'GetQueueUrl': {
        if (parse(urlSchema, body).QueueName !== queue.arn.split(':').at(-1)) throw noQueue();
        return { QueueUrl: queue.url };
      }
      default:
        throw new SqsProblem(400, 'com.amazon.coral.service#UnknownOperationException', '');
    }
  };

  return async (request) => {
    try {
      if (site.faults.hits('sqs_error_500')) {
        throw new SqsProblem(500, 'com.amazonaws.sqs#InternalFailure', 'The request processing has failed.');
      }
      const refused = refusalOf(request, {
        service: 'sqs',
        region: site.region.awsRegion,
        secretOf: deps.secretOf,
        now: site.now(),
      });
      if (refused !== null) {
        throw new SqsProblem(403, signingTypes[refused.code], refused.message);
      }
      // There is no token to renew here: the key pair itself is refused.
      if (site.faults.hits('auth')) {
        const message = 'The security token included in the request is invalid.';
        throw new SqsProblem(403, signingTypes.InvalidClientTokenId, message);
      }
      if ((request.headers['content-type'] ?? '').split(';')[0] !== contentType) {
        throw new SqsProblem(415, 'com.amazon.coral.service#UnsupportedMediaType', '');
      }
      const action = (request.headers['x-amz-target'] ?? '').slice('AmazonSQS.'.length);
      const result = await act(action, JSON.parse(request.body.toString('utf8')), request);
      return request.gone() ? null : answer(200, result);
    } catch (problem) {
      if (problem instanceof SyntaxError) {
        return answer(400, { __type: 'com.amazon.coral.service#SerializationException' });
      }
      if (!(problem instanceof SqsProblem)) throw problem;
      return answer(problem.status, { __type: problem.type, message: problem.message });
    }
  };
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const name = parsed.error.issues[0]?.path[0] ?? '';
  throw new SqsProblem(
    400,
    'com.amazonaws.sqs#MissingRequiredParameterException',
    `The request must contain the parameter ${String(name)}.`,
  );
}

function noQueue(): SqsProblem {
  return new SqsProblem(400, 'com.amazonaws.sqs#QueueDoesNotExist', 'The specified queue does not exist.');
}

function needQueue(queue: Queue, url: string): void {
  if (url !== queue.url) throw noQueue();
}

function badHandle(handle: string): SqsProblem {
  const message = `The input receipt handle "${handle}" is not a valid receipt handle.`;
  return new SqsProblem(400, 'com.amazonaws.sqs#ReceiptHandleIsInvalid', message);
}

function badValue(name: string, value: number, bounds: string): SqsProblem {
  const message = `Value ${value} for parameter ${name} is invalid. Reason: Must be ${bounds}, if provided.`;
  return new SqsProblem(400, 'com.amazonaws.sqs#InvalidParameterValueException', message);
}

async function receive(
  { site, queue }: SqsDeps,
  ask: z.infer<typeof receiveSchema>,
  request: ShopRequest,
): Promise<unknown> {
  needQueue(queue, ask.QueueUrl);
  const max = ask.MaxNumberOfMessages ?? 1;
  const wait = ask.WaitTimeSeconds ?? defaultWaitSeconds;
  const visibility = ask.VisibilityTimeout ?? defaultVisibilitySeconds;
  if (max < 1 || max > 10) throw badValue('MaxNumberOfMessages', max, 'between 1 and 10');
  if (wait < 0 || wait > 20) throw badValue('WaitTimeSeconds', wait, '>= 0 and <= 20');
  if (visibility < 0 || visibility > maxVisibilitySeconds) {
    throw badValue('VisibilityTimeout', visibility, `between 0 and ${maxVisibilitySeconds}`);
  }
  // A short poll asks a sample of the servers only and may bring fewer than there are.
  const asked = wait === 0 && max > 1 ? site.random.int(1, max) : max;
  const messages = await queue.receive({
    max: asked,
    waitMs: wait * 1000,
    visibilityMs: visibility * 1000,
    gone: () => request.gone(),
  });
  if (messages.length === 0) return {};
  const names = [...(ask.MessageSystemAttributeNames ?? []), ...(ask.AttributeNames ?? [])];
  return { Messages: messages.map((message) => messageView(message, names)) };
}

function messageView(message: Received, names: string[]): Record<string, unknown> {
  const all: Record<string, string> = {
    SenderId: platformAccount,
    ApproximateReceiveCount: String(message.receives),
    SentTimestamp: String(message.sentAt),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
  };
  const wanted = Object.entries(all).filter(([name]) => names.includes('All') || names.includes(name));
  return {
    MessageId: message.messageId,
    ReceiptHandle: message.handle,
    MD5OfBody: message.md5,
    Body: message.body,
    ...(wanted.length === 0 ? {} : { Attributes: Object.fromEntries(wanted) }),
  };
}

function deleteBatch(queue: Queue, { QueueUrl, Entries }: z.infer<typeof batchSchema>): unknown {
  needQueue(queue, QueueUrl);
  const batch = (name: string, message: string) => new SqsProblem(400, `com.amazonaws.sqs#${name}`, message);
  if (Entries.length === 0) {
    throw batch('EmptyBatchRequest', 'There should be at least one entry in the request.');
  }
  if (Entries.length > 10) {
    throw batch(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are 10. You have sent ${Entries.length}.`,
    );
  }
  if (new Set(Entries.map(({ Id }) => Id)).size < Entries.length) {
    throw batch('BatchEntryIdsNotDistinct', 'Two or more batch entries in the request have the same Id.');
  }
  const done = Entries.map(({ Id, ReceiptHandle }) => ({ Id, result: queue.remove(ReceiptHandle) }));
  const failed = done.filter(({ result }) => result === 'unknown');
  return {
    Successful: done.filter(({ result }) => result !== 'unknown').map(({ Id }) => ({ Id })),
    Failed: failed.map(({ Id }) => ({
      Id,
      SenderFault: true,
      Code: 'ReceiptHandleIsInvalid',
      Message: 'The input receipt handle is invalid.',
    })),
  };
}

function changeVisibility(queue: Queue, handle: string, seconds: number): void {
  if (seconds < 0 || seconds > maxVisibilitySeconds) {
    throw badValue('VisibilityTimeout', seconds, `between 0 and ${maxVisibilitySeconds}`);
  }
  const outcome = queue.setVisibility(handle, seconds * 1000);
  if (outcome === 'unknown') throw badHandle(handle);
  if (outcome === 'not-in-flight') {
    const message = `Value ${handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.`;
    throw new SqsProblem(400, 'com.amazonaws.sqs#MessageNotInflight', message);
  }
}

/** Everything is text, as the protocol has it. */
function attributes({ site, queue }: SqsDeps, names: string[]): unknown {
  const armed = site.faults.armed();
  const { visible, inFlight } = queue.counts();
  const fifo = armed.includes('fifo_queue');
  const all: Record<string, string> = {
    QueueArn: fifo ? `${queue.arn}.fifo` : queue.arn,
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
    ApproximateNumberOfMessagesDelayed: '0',
    VisibilityTimeout: String(defaultVisibilitySeconds),
    MaximumMessageSize: '262144',
    MessageRetentionPeriod: '1209600',
    DelaySeconds: '0',
    ReceiveMessageWaitTimeSeconds: String(defaultWaitSeconds),
    SqsManagedSseEnabled: 'true',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: `${queue.arn}-dead`, maxReceiveCount: 10 }),
    ...(armed.includes('missing_policy') ? {} : { Policy: policyOf(queue) }),
    ...(fifo ? { FifoQueue: 'true', ContentBasedDeduplication: 'false' } : {}),
  };
  const stranger = names.find((name) => name !== 'All' && !attributeNames.has(name));
  if (stranger !== undefined) {
    throw new SqsProblem(400, 'com.amazonaws.sqs#InvalidAttributeName', `Unknown Attribute ${stranger}.`);
  }
  const wanted = Object.entries(all).filter(([name]) => names.includes('All') || names.includes(name));
  return wanted.length === 0 ? {} : { Attributes: Object.fromEntries(wanted) };
}

const attributeNames = new Set([
  'QueueArn',
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
  'CreatedTimestamp',
  'LastModifiedTimestamp',
  'VisibilityTimeout',
  'MaximumMessageSize',
  'MessageRetentionPeriod',
  'DelaySeconds',
  'ReceiveMessageWaitTimeSeconds',
  'SqsManagedSseEnabled',
  'KmsMasterKeyId',
  'KmsDataKeyReusePeriodSeconds',
  'RedrivePolicy',
  'RedriveAllowPolicy',
  'Policy',
  'FifoQueue',
  'ContentBasedDeduplication',
  'DeduplicationScope',
  'FifoThroughputLimit',
]);

function policyOf(queue: Queue): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'platform',
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${platformAccount}:root` },
        Action: ['sqs:SendMessage', 'sqs:GetQueueAttributes'],
        Resource: queue.arn,
      },
    ],
  });
}
