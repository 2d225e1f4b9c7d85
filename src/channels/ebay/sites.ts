/** A marketplace's number in the XML API and the language that requests name. */
export interface Site {
  siteId: number;
  locale: string;
}

/**
 * Marketplaces (EBAY-1.5, verified 2026-11). The locale is sent with every request: a `*` or none is refused with
 * error 25709 (EBAY-1.4). Numbers are from the facts, locales from memory of the header documentation.
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
} as const satisfies Record<string, Site>;

/** A marketplace id, as offers and configuration name it. */
export type Marketplace = keyof typeof sites;
