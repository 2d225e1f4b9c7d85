import { z } from 'zod';
import { secret, text } from '../kit/config.ts';

const address = z
  .string()
  .refine(isAddress, 'must be an https address; plain http is for loopback only')
  .transform((url) => url.replace(/\/+$/, ''));

const sqs = z
  .strictObject({
    queue_url: text
      .refine((url) => URL.canParse(url) && new URL(url).pathname.split('/').length >= 3, {
        message: 'must be the URL of the queue, https://sqs.<region>.amazonaws.com/<account>/<name>',
      })
      .describe('URL of a standard (not FIFO) queue.'),
    access_key_id: text
      .describe('Key of an IAM user that may receive and delete messages of that queue.')
      .meta(secret),
    secret_access_key: text.describe('Secret of that key.').meta(secret),
  })
  .describe('The queue to which Amazon sends ORDER_CHANGE. Without it orders are polled only.');

const sns = z
  .strictObject({
    topics: z
      .array(z.string().regex(/^arn:aws(-cn)?:sns:[a-z0-9-]{3,}:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$/))
      .min(1)
      .describe('ARNs of the topics that are believed; messages of any other are refused.'),
  })
  .describe('Only for merchants who already forward notifications through SNS to an HTTPS address.');

/** The keys that a channel of this type adds to those that all channels share. */
export const amazonConfig = z.strictObject({
  client_id: text.describe('LWA client id of your private application (amzn1.application-oa2-client.…).'),
  client_secret: text
    .describe('LWA client secret of that application; Amazon wants a new one every 180 days.')
    .meta(secret),
  client_secret_created: z.iso
    .date()
    .optional()
    .describe('Day on which the client secret was made (2026-11-01): you are warned from day 150 on.'),
  refresh_token: text
    .describe('Refresh token (Atzr|…) of your self-authorization; holds the roles of that moment.')
    .meta(secret),
  seller_id: text
    .regex(/^[A-Z0-9]{5,32}$/, 'must be the merchant token, capitals and digits')
    .describe('Merchant token: Seller Central > Account Info > Your Merchant Token.'),
  region: z.enum(['na', 'eu', 'fe']).describe('na, eu or fe: where the marketplaces are.'),
  marketplaces: z
    .array(z.string().regex(/^[A-Z0-9]{8,20}$/, 'must be a marketplace id such as A1PA6795UKMFR9'))
    .min(1)
    .max(20)
    .describe('Ids of the marketplaces to keep in step; all of one region.'),
  sqs: sqs.optional(),
  sns: sns.optional(),
  token_url: address.optional().describe('Where tokens come from, if not from Amazon: a sandbox.'),
  sqs_endpoint: address.optional().describe('Where the queue is, if not at its own URL: a sandbox.'),
  cert_url_override: z
    .string()
    .refine(isLoopback, 'is for tests on this machine only: http://127.0.0.1:<port>')
    .optional()
    .describe(
      'Tests only: where SNS certificates come from and confirmations go to; loopback addresses only.',
    ),
});

/** A channel's configuration after parsing; addresses have no slash at the end. */
export type AmazonConfig = z.infer<typeof amazonConfig>;
export type QueueConfig = NonNullable<AmazonConfig['sqs']>;

function isAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return username === '' && password === '' && (protocol === 'https:' || isLoopback(text));
}

function isLoopback(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
}
