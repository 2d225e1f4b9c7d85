import { z } from 'zod';
import { address, oneOrMore, perSecond, secret, text } from '../kit/config.ts';

/** The keys that a channel of this type adds to those that all channels share. */
export const FlipkartConfig = z.strictObject({
  app_id: text.describe(
    'Application ID of your self access application (seller dashboard > Developer Access).',
  ),
  app_secret: text.describe('Application Secret of that application.').meta(secret),
  location: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be a location id such as LOC8bdd7abceca4423a839d935584ee6f19')
    .describe('Id of the location (LOC…) whose stock and orders this channel keeps.'),
  basis: z
    .enum(['net', 'gross'])
    .default('net')
    .describe(
      'What Flipkart’s inventory means: net (without your open orders) or gross (with them). Unknown: net, which never oversells.',
    ),
  hook_secret: oneOrMore
    .optional()
    .describe(
      'Application Secret that signs notifications, or a list of old and new. Without it no notification is believed, and orders are polled only.',
    )
    .meta(secret),
  hook_app_id: oneOrMore
    .optional()
    .describe('Application ID in the signature of notifications, or a list, where it is not app_id.'),
  hook_path: z
    .string()
    .regex(/^\/[A-Za-z0-9._~-]{1,200}$/, 'must be one path segment like /f3b1…, with its slash')
    .optional()
    .describe('Unguessable end of the notification address; everything at another path is refused.'),
  token_url: address.optional().describe('Where tokens come from, if not from /oauth-service/oauth/token.'),
  requests_per_second: perSecond
    .default(2)
    .describe(
      'Requests a second to the listing API; half as many to the order API. Flipkart publishes no limit.',
    ),
});

/** A channel's configuration after parsing. Addresses have no slash at the end. */
export type FlipkartConfig = z.infer<typeof FlipkartConfig>;
