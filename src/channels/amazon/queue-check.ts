import { z } from 'zod';
import type { CheckItem } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { fail, ok, warn } from '../kit/check.ts';
import type { Queue } from './queue.ts';
import { policyHint } from './subscriptions.ts';

/** Amazon's own AWS account, which sends (AMZ-2.5). */
const sender = '437568002678';
const neededActions = ['SendMessage', 'GetQueueAttributes'];
const fourteenDaysSeconds = 1_209_600;

const oneOrMany = z
  .union([z.string(), z.array(z.string())])
  .transform((one) => (Array.isArray(one) ? one : [one]));
const policy = z.object({
  Statement: z.array(
    z.object({
      Effect: z.string(),
      Principal: z.union([z.string(), z.object({ AWS: oneOrMany.optional() })]).optional(),
      Action: oneOrMany.optional(),
    }),
  ),
});

/** What would keep orders from the queue: a FIFO queue, one that is not there, one that Amazon may not write to. */
export async function checkQueue(queue: Queue, signal: AbortSignal): Promise<CheckItem[]> {
  if (queue.isFifo) {
    return [
      fail(
        'queue',
        `${queue.arn} is a FIFO queue: Amazon sends nothing there, without a word`,
        'make a standard queue and set its URL as sqs.queue_url',
      ),
    ];
  }
  let attributes: Record<string, string>;
  try {
    attributes = await queue.attributes(signal);
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    return [fail('queue', error.message, error.hint || 'try again')];
  }
  return [
    arnItem(queue, attributes['QueueArn']),
    policyItem(queue, attributes['Policy']),
    retentionItem(attributes),
  ];
}

function arnItem(queue: Queue, told: string | undefined): CheckItem {
  if (told === undefined || told === queue.arn) return ok('queue', queue.arn);
  return fail(
    'queue',
    `the URL means ${queue.arn}, the queue calls itself ${told}`,
    'check sqs.queue_url: account, name and region',
  );
}

function policyItem(queue: Queue, text: string | undefined): CheckItem {
  const name = 'queue policy';
  const remedy = policyHint(queue.arn);
  const allowed = text === undefined ? [] : allowedTo(text);
  if (allowed === null) return fail(name, 'the access policy cannot be read', remedy);
  const missing = neededActions.filter(
    (action) => !allowed.some((pattern) => matches(pattern, `sqs:${action}`)),
  );
  if (missing.length === 0) return ok(name, 'Amazon may send');
  return fail(name, `Amazon may not ${missing.join(' and ')} there`, remedy);
}

/** The actions that Amazon's account is allowed by the policy; null when it is none. */
function allowedTo(text: string): string[] | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = policy.safeParse(json);
  if (!parsed.success) return null;
  return parsed.data.Statement.filter(
    ({ Effect, Principal }) => Effect === 'Allow' && isSender(Principal),
  ).flatMap(({ Action }) => Action ?? []);
}

function isSender(principal: string | { AWS?: string[] | undefined } | undefined): boolean {
  const names = typeof principal === 'string' ? [principal] : (principal?.AWS ?? []);
  return names.some((name) => name === '*' || name === sender || name === `arn:aws:iam::${sender}:root`);
}

function matches(pattern: string, action: string): boolean {
  const [own = '', wanted = ''] = [pattern.toLowerCase(), action.toLowerCase()];
  return own === '*' || own === wanted || (own.endsWith('*') && wanted.startsWith(own.slice(0, -1)));
}

function retentionItem(attributes: Record<string, string>): CheckItem {
  const name = 'queue retention';
  const seconds = Number(attributes['MessageRetentionPeriod'] ?? Number.NaN);
  if (Number.isNaN(seconds)) return ok(name, 'not told');
  const days = Math.floor(seconds / 86_400);
  if (seconds >= fourteenDaysSeconds) return ok(name, '14 days');
  return warn(name, `messages are dropped after ${days} days`, 'set the message retention period to 14 days');
}
