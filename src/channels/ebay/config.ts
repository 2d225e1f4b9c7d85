import { z } from 'zod';
import { address, secret, text } from '../kit/config.ts';
import { type Marketplace, sites } from './sites.ts';

/** The keys that a channel of this type adds to those that all channels share. */
export const EbayConfig = z.strictObject({
  client_id: text.describe('App ID (Client ID) of the production keyset.'),
  client_secret: text.describe('Cert ID (Client Secret) of that keyset.').meta(secret),
  dev_id: text
    .optional()
    .describe(
      'Dev ID of the keyset; needed only for Platform Notifications (SOAP), whose signature contains it.',
    ),
  ru_name: text
    .optional()
    .describe('RuName of the keyset: the redirect name with which the refresh token was made.'),
  refresh_token: text
    .describe('Refresh token of the seller’s consent (v^1.1#…); it lives 18 months.')
    .meta(secret),
  refresh_token_created: z
    .string()
    .refine((day) => !Number.isNaN(Date.parse(day)), 'must be a date like 2026-11-01')
    .optional()
    .describe('The day on which the seller consented; check warns from month 15 and fails after month 18.'),
  marketplace: z
    .enum(Object.keys(sites) as [Marketplace, ...Marketplace[]])
    .describe('The seller’s marketplace, like EBAY_US or EBAY_DE; decides language and site of requests.'),
  verification_token: z
    .string()
    .regex(/^[A-Za-z0-9_-]{32,80}$/, 'must be 32 to 80 of A-Z a-z 0-9 _ -')
    .optional()
    .describe(
      'Secret of our own making, 32 to 80 of A-Z a-z 0-9 _ -; proves the address to eBay (challenge). Not needed with webhooks: false.',
    )
    .meta(secret),
  alert_email: z
    .email()
    .optional()
    .describe(
      'Where eBay writes when it cannot deliver notifications; used only while the keyset has no such address. Default: invsync@ the host of public_url.',
    ),
  token_url: address
    .optional()
    .describe('Where tokens are asked for, instead of /identity/v1/oauth2/token at the API’s address.'),
  trading_url: address
    .optional()
    .describe('Where the XML API is, instead of /ws/api.dll at the API’s address.'),
});

/** A channel's configuration after parsing. Addresses have no slash at the end. */
export type EbayConfig = z.infer<typeof EbayConfig>;
