import { z } from 'zod';

/** API versions whose schema every document of this adapter was validated against (SHP-11). */
export const apiVersions = ['2026-10', '2026-07'] as const;

const secrets = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]);

/** The keys of a Shopify channel beyond those that every channel takes. */
export const ShopifyConfig = z
  .strictObject({
    shop: z
      .string()
      .regex(
        /^[a-zA-Z0-9][a-zA-Z0-9-]*\.myshopify\.com$/,
        'must be the shop’s own name, like example.myshopify.com; never a storefront domain',
      )
      .describe('The shop’s permanent name, like example.myshopify.com.'),
    access_token: z
      .string()
      .min(1)
      .optional()
      .describe('Static Admin API token (shpat_…) of a custom app made in the shop’s admin.')
      .meta({ secret: true }),
    client_id: z.string().min(1).optional().describe('Client id of a Dev Dashboard app.'),
    client_secret: z
      .string()
      .min(1)
      .optional()
      .describe('Client secret of a Dev Dashboard app; it also signs that app’s webhooks.')
      .meta({ secret: true }),
    webhook_secret: secrets
      .optional()
      .describe(
        'Secret that signs webhooks (API secret key of the app); a list while a secret is being rotated: either verifies.',
      )
      .meta({ secret: true }),
    location: z
      .string()
      .regex(/^gid:\/\/shopify\/Location\/\d+$/, 'must look like gid://shopify/Location/123')
      .describe('The location whose stock is kept right, like gid://shopify/Location/123.'),
    api_version: z.enum(apiVersions).default('2026-10').describe('Version of the Admin API.'),
  })
  .superRefine((config, context) => {
    const hasToken = config.access_token !== undefined;
    const hasClient = config.client_id !== undefined && config.client_secret !== undefined;
    const hasHalf = (config.client_id === undefined) !== (config.client_secret === undefined);
    if (hasHalf) {
      context.addIssue({
        code: 'custom',
        path: [config.client_id === undefined ? 'client_id' : 'client_secret'],
        message: 'client_id and client_secret belong together',
      });
    } else if (hasToken === hasClient) {
      context.addIssue({
        code: 'custom',
        path: ['access_token'],
        message: 'give either access_token, or client_id and client_secret',
      });
    }
  });

export type ShopifyConfig = z.infer<typeof ShopifyConfig>;

/** Every secret that may have signed a webhook of this shop (SHP-1.1: the client secret signs a Dev Dashboard app's). */
export function webhookSecrets(config: ShopifyConfig): string[] {
  const listed = config.webhook_secret ?? [];
  const own = typeof listed === 'string' ? [listed] : listed;
  return config.client_secret === undefined ? own : [...own, config.client_secret];
}
