import { z } from 'zod';
import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import type { Queue, Received } from './queue.ts';
import { awsRefusal, type SigningRefusal } from './sigv4.ts';
import type { Site } from './site.ts';

/** The queue's endpoint in the JSON protocol (AMZ-2.5, last verified 2026-11). */

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

const refused = (name: string, message: string) => new SqsProblem(400, `com.amazonaws.sqs#${name}`, message);
/** Of the framework below the service. */
const coral = (status: number, name: string, message = '') =>
  new SqsProblem(status, `com.amazon.coral.service#${name}`, message);

const contentType = 'application/x-amz-json-1.0';
const defaultVisibilitySeconds = 30;
const defaultWaitSeconds = 20;
const maxVisibilitySeconds = 43_200;
/** The platform's own account, which the queue's policy must let in (AMZ-2.5). */
const platformAccount = '437568002678';

/** How this protocol spells what the older query protocol calls by its short name (from memory, untried). */
const signingTypes: Record<SigningRefusal['code'], string> = {
  MissingAuthenticationToken: 'MissingAuthenticationTokenException',
  IncompleteSignature: 'IncompleteSignatureException',
  InvalidClientTokenId: 'UnrecognizedClientException',
  SignatureDoesNotMatch: 'InvalidSignatureException',
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

type Action = (body: unknown, request: ShopRequest) => unknown;

/** Every action but one names the queue that it is for. */
function actionsOf(site: Site, queue: Queue): Record<string, Action> {
  const on =
    <T extends { QueueUrl: string }>(
      schema: z.ZodType<T>,
      act: (ask: T, request: ShopRequest) => unknown,
    ): Action =>
    (body, request) => {
      const ask = parse(schema, body);
      if (ask.QueueUrl !== queue.url) throw noQueue();
      return act(ask, request) ?? {};
    };
  return {
    ReceiveMessage: on(receiveSchema, (ask, request) => receive(site, queue, { ...ask, gone: request.gone })),
    DeleteMessage: on(oneSchema, ({ ReceiptHandle }) => {
      if (queue.remove(ReceiptHandle) === 'unknown') throw badHandle(ReceiptHandle);
    }),
    DeleteMessageBatch: on(batchSchema, ({ Entries }) => deleteBatch(queue, Entries)),
    ChangeMessageVisibility: on(visibilitySchema, (ask) => changeVisibility(queue, ask)),
    GetQueueAttributes: on(attributesSchema, (ask) => attributes(site, queue, ask.AttributeNames ?? [])),
    GetQueueUrl(body) {
      if (parse(urlSchema, body).QueueName !== site.awsName) throw noQueue();
      return { QueueUrl: queue.url };
    },
  };
}

/** Answers one action; null when the caller has hung up meanwhile. */
export function createSqs(site: Site, queue: Queue): (request: ShopRequest) => Promise<ShopAnswer | null> {
  const actions = actionsOf(site, queue);
  const answer = (status: number, body: unknown): ShopAnswer => ({
    status,
    headers: { 'content-type': contentType, 'x-amzn-RequestId': site.uuid() },
    body: JSON.stringify(body),
  });

  const act = (request: ShopRequest): unknown => {
    if (site.faults.hits('sqs_error_500')) {
      throw new SqsProblem(500, 'com.amazonaws.sqs#InternalFailure', 'The request processing has failed.');
    }
    const unsigned = awsRefusal(site, 'sqs', request);
    if (unsigned !== null) throw coral(403, signingTypes[unsigned.code], unsigned.message);
    // There is no token to renew here: the key pair itself is refused.
    if (site.faults.hits('auth')) {
      const message = 'The security token included in the request is invalid.';
      throw coral(403, signingTypes.InvalidClientTokenId, message);
    }
    if ((request.headers['content-type'] ?? '').split(';')[0] !== contentType) {
      throw coral(415, 'UnsupportedMediaType');
    }
    const action = (request.headers['x-amz-target'] ?? '').slice('AmazonSQS.'.length);
    const body = JSON.parse(request.body.toString('utf8'));
    const known = Object.hasOwn(actions, action) ? actions[action] : undefined;
    if (known === undefined) throw coral(400, 'UnknownOperationException');
    return known(body, request);
  };

  return async (request) => {
    try {
      const result = await act(request);
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
  const name = String(parsed.error.issues[0]?.path[0] ?? '');
  throw refused('MissingRequiredParameterException', `The request must contain the parameter ${name}.`);
}

function noQueue(): SqsProblem {
  return refused('QueueDoesNotExist', 'The specified queue does not exist.');
}

function badHandle(handle: string): SqsProblem {
  const message = `The input receipt handle "${handle}" is not a valid receipt handle.`;
  return refused('ReceiptHandleIsInvalid', message);
}

function within(name: string, value: number, [least, most, bounds]: [number, number, string?]): number {
  if (value >= least && value <= most) return value;
  const must = bounds ?? `between ${least} and ${most}`;
  const message = `Value ${value} for parameter ${name} is invalid. Reason: Must be ${must}, if provided.`;
  throw refused('InvalidParameterValueException', message);
}

async function receive(
  site: Site,
  queue: Queue,
  ask: z.infer<typeof receiveSchema> & { gone(): boolean },
): Promise<unknown> {
  const max = within('MaxNumberOfMessages', ask.MaxNumberOfMessages ?? 1, [1, 10]);
  const wait = ask.WaitTimeSeconds ?? defaultWaitSeconds;
  within('WaitTimeSeconds', wait, [0, 20, '>= 0 and <= 20']);
  const seconds = ask.VisibilityTimeout ?? defaultVisibilitySeconds;
  within('VisibilityTimeout', seconds, [0, maxVisibilitySeconds]);
  // A short poll asks a sample of the servers only and may bring fewer than there are.
  const asked = wait === 0 && max > 1 ? site.random.int(1, max) : max;
  const { gone } = ask;
  const times = { waitMs: wait * 1000, visibilityMs: seconds * 1000 };
  const messages = await queue.receive({ max: asked, ...times, gone });
  if (messages.length === 0) return {};
  const names = [...(ask.MessageSystemAttributeNames ?? []), ...(ask.AttributeNames ?? [])];
  return { Messages: messages.map((message) => messageView(message, names)) };
}

/** The attributes asked for, none at all where none are. */
function chosen(all: Record<string, string>, names: string[]): { Attributes?: Record<string, string> } {
  const wanted = Object.entries(all).filter(([name]) => names.includes('All') || names.includes(name));
  return wanted.length === 0 ? {} : { Attributes: Object.fromEntries(wanted) };
}

function messageView(message: Received, names: string[]): Record<string, unknown> {
  const all: Record<string, string> = {
    SenderId: platformAccount,
    ApproximateReceiveCount: String(message.receives),
    SentTimestamp: String(message.sentAt),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
  };
  return {
    MessageId: message.messageId,
    ReceiptHandle: message.handle,
    MD5OfBody: message.md5,
    Body: message.body,
    ...chosen(all, names),
  };
}

function deleteBatch(queue: Queue, entries: z.infer<typeof batchSchema>['Entries']): unknown {
  const count = entries.length;
  if (count === 0) throw refused('EmptyBatchRequest', 'There should be at least one entry in the request.');
  if (count > 10) {
    const message = `Maximum number of entries per request are 10. You have sent ${count}.`;
    throw refused('TooManyEntriesInBatchRequest', message);
  }
  if (new Set(entries.map(({ Id }) => Id)).size < count) {
    const message = 'Two or more batch entries in the request have the same Id.';
    throw refused('BatchEntryIdsNotDistinct', message);
  }
  const done = entries.map(({ Id, ReceiptHandle }) => ({ Id, result: queue.remove(ReceiptHandle) }));
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

function changeVisibility(queue: Queue, ask: z.infer<typeof visibilitySchema>): void {
  const { ReceiptHandle: handle, VisibilityTimeout: seconds } = ask;
  within('VisibilityTimeout', seconds, [0, maxVisibilitySeconds]);
  const outcome = queue.setVisibility(handle, seconds * 1000);
  if (outcome === 'unknown') throw badHandle(handle);
  if (outcome === 'not-in-flight') {
    const message = `Value ${handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.`;
    throw refused('MessageNotInflight', message);
  }
}

/** Everything is text, as the protocol has it. */
function attributes(site: Site, queue: Queue, names: string[]): unknown {
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
  if (stranger !== undefined) throw refused('InvalidAttributeName', `Unknown Attribute ${stranger}.`);
  return chosen(all, names);
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
