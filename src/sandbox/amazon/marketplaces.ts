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

function place(id: string, domain: string, currency: string, language: string): Marketplace {
  const countryCode = language.slice(-2);
  return { id, name: domain, countryCode, currency, language, domain: `www.${domain}` };
}

function region(
  name: Region['name'],
  [fulfilmentCode, awsRegion]: [string, string],
  marketplaces: Marketplace[],
): Region {
  return { name, fulfilmentCode, awsRegion, marketplaces };
}

/** The first marketplace of a region is the seller's home; the second one he takes part in, the third he does not. */
export const regions: Record<Region['name'], Region> = {
  na: region(
    'na',
    ['AMAZON_NA', 'us-east-1'],
    [
      place('ATVPDKIKX0DER', 'amazon.com', 'USD', 'en_US'),
      place('A2EUQ1WTGCTBG2', 'amazon.ca', 'CAD', 'en_CA'),
      place('A1AM78C64UM0Y8', 'amazon.com.mx', 'MXN', 'es_MX'),
    ],
  ),
  eu: region(
    'eu',
    ['AMAZON_EU', 'eu-west-1'],
    [
      place('A1PA6795UKMFR9', 'amazon.de', 'EUR', 'de_DE'),
      place('A13V1IB3VIYZZH', 'amazon.fr', 'EUR', 'fr_FR'),
      place('A1F83G8C2ARO7P', 'amazon.co.uk', 'GBP', 'en_GB'),
    ],
  ),
  fe: region(
    'fe',
    ['AMAZON_JP', 'us-west-2'],
    [
      place('A1VC38T7YXB528', 'amazon.co.jp', 'JPY', 'ja_JP'),
      place('A39IBJ37TRP1C6', 'amazon.com.au', 'AUD', 'en_AU'),
      place('A19VAU5U5O7RUS', 'amazon.sg', 'SGD', 'en_SG'),
    ],
  ),
};
