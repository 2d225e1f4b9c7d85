/** Regions and marketplaces (AMZ-1.3, last verified 2026-11). */

export interface Marketplace {
  id: string;
  name: string;
  countryCode: string;
  currency: string;
  language: string;
  domain: string;
}

export interface Region {
  name: 'na' | 'eu' | 'fe';
  /** The code of listings that the platform fulfils. */
  fulfilmentCode: string;
  /** Where the merchant's queue stands. */
  awsRegion: string;
  marketplaces: Marketplace[];
}

function place(
  id: string,
  countryCode: string,
  domain: string,
  currency: string,
  language: string,
): Marketplace {
  return { id, name: domain, countryCode, currency, language, domain: `www.${domain}` };
}

/** The first marketplace of a region is the seller's home; the second one he takes part in, the third he does not. */
export const regions: Record<Region['name'], Region> = {
  na: {
    name: 'na',
    fulfilmentCode: 'AMAZON_NA',
    awsRegion: 'us-east-1',
    marketplaces: [
      place('ATVPDKIKX0DER', 'US', 'amazon.com', 'USD', 'en_US'),
      place('A2EUQ1WTGCTBG2', 'CA', 'amazon.ca', 'CAD', 'en_CA'),
      place('A1AM78C64UM0Y8', 'MX', 'amazon.com.mx', 'MXN', 'es_MX'),
    ],
  },
  eu: {
    name: 'eu',
    fulfilmentCode: 'AMAZON_EU',
    awsRegion: 'eu-west-1',
    marketplaces: [
      place('A1PA6795UKMFR9', 'DE', 'amazon.de', 'EUR', 'de_DE'),
      place('A13V1IB3VIYZZH', 'FR', 'amazon.fr', 'EUR', 'fr_FR'),
      place('A1F83G8C2ARO7P', 'GB', 'amazon.co.uk', 'GBP', 'en_GB'),
    ],
  },
  fe: {
    name: 'fe',
    fulfilmentCode: 'AMAZON_JP',
    awsRegion: 'us-west-2',
    marketplaces: [
      place('A1VC38T7YXB528', 'JP', 'amazon.co.jp', 'JPY', 'ja_JP'),
      place('A39IBJ37TRP1C6', 'AU', 'amazon.com.au', 'AUD', 'en_AU'),
      place('A19VAU5U5O7RUS', 'SG', 'amazon.sg', 'SGD', 'en_SG'),
    ],
  },
};
