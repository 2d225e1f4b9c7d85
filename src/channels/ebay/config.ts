import { z } from 'zod';
import { address, secret, text } from '../kit/config.ts';

/**
 * Each marketplace's number in the XML API, and the language that requests name (EBAY-1.5, verified 2026-11): a `*` or none
 * is refused with error 25709 (EBAY-1.4). Numbers are from the facts, locales from memory of the header documentation.
 */
export const sites = {
  EBAY_US: { siteId: 0, locale: 'en-US' },
  EBAY_MOTORS_US: { siteId: 100, locale: 'en-US' },
  EBAY_CA: { siteId: 2, locale: 'en-CA' },
  EBAY_GB: { siteId: 3, locale: 'en-GB' },
  EBAY_AU: { siteId: 15, locale: 'en-AU' },
  EBAY_AT: { siteId: 16, locale: 'de-AT' },
  EBAY_BE: { siteId: 23, locale: 'fr-BE' },
  EBAY_FR: { siteId: 71, locale: 'fr-FR' },
  EBAY_DE: { siteId: 77, locale: 'de-DE' },
  EBAY_IT: { siteId: 101, locale: 'it-IT' },
  EBAY_NL: { siteId: 146, locale: 'nl-NL' },
  EBAY_ES: { siteId: 186, locale: 'es-ES' },
  EBAY_CH: { siteId: 193, locale: 'de-CH' },
  EBAY_HK: { siteId: 201, locale: 'zh-HK' },
  EBAY_IN: { siteId: 203, locale: 'en-GB' },
  EBAY_IE: { siteId: 205, locale: 'en-IE' },
  EBAY_MY: { siteId: 207, locale: 'en-US' },
  EBAY_PH: { siteId: 211, locale: 'en-PH' },
  EBAY_PL: { siteId: 212, locale: 'pl-PL' },
  EBAY_SG: { siteId: 216, locale: 'en-US' },
} as const;

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
    .enum(Object.keys(sites) as [keyof typeof sites, ...(keyof typeof sites)[]])
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
