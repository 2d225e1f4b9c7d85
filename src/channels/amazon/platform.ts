import { short } from '../kit/refusal.ts';
import type { AmazonConfig } from './config.ts';

/** Mandatory, at most 500 characters (AMZ-1.3). */
export const userAgent = `invsync/1.0 (Language=TypeScript; Platform=Node/${process.versions.node.split('.')[0]})`;

/** Each has a host and refresh tokens of its own (AMZ-1.3). */
type Region = AmazonConfig['region'];

/** What a region is called, and the cloud region that a queue without a readable one is taken for. */
export const regionFacts: Record<Region, { cloud: string; title: string }> = {
  na: { cloud: 'us-east-1', title: 'North America and Brazil' },
  eu: { cloud: 'eu-west-1', title: 'Europe, Middle East, India' },
  fe: { cloud: 'us-west-2', title: 'Japan, Australia, Singapore' },
};

/** Marketplaces by id (AMZ-1.3; BE, IE and ZA from memory there). */
export const marketplaces: Record<string, { country: string; region: Region }> = {
  ATVPDKIKX0DER: { country: 'US', region: 'na' },
  A2EUQ1WTGCTBG2: { country: 'CA', region: 'na' },
  A1AM78C64UM0Y8: { country: 'MX', region: 'na' },
  A2Q3Y263D00KWC: { country: 'BR', region: 'na' },
  A1RKKUPIHCS9HS: { country: 'ES', region: 'eu' },
  A1F83G8C2ARO7P: { country: 'GB', region: 'eu' },
  A13V1IB3VIYZZH: { country: 'FR', region: 'eu' },
  A1805IZSGTT6HS: { country: 'NL', region: 'eu' },
  A1PA6795UKMFR9: { country: 'DE', region: 'eu' },
  APJ6JRA9NG5V4: { country: 'IT', region: 'eu' },
  A2NODRKZP88ZB9: { country: 'SE', region: 'eu' },
  A1C3SOZRARQ6R3: { country: 'PL', region: 'eu' },
  ARBP9OOSHTCHU: { country: 'EG', region: 'eu' },
  A33AVAJ2PDY3EV: { country: 'TR', region: 'eu' },
  A17E79C6D8DWNP: { country: 'SA', region: 'eu' },
  A2VIGQ35RCS4UG: { country: 'AE', region: 'eu' },
  A21TJRUUN4KGV: { country: 'IN', region: 'eu' },
  AMEN7PMS3EDWL: { country: 'BE', region: 'eu' },
  A28R8C7NBKEWEA: { country: 'IE', region: 'eu' },
  AE08WJ6YKNBMC: { country: 'ZA', region: 'eu' },
  A19VAU5U5O7RUS: { country: 'SG', region: 'fe' },
  A39IBJ37TRP1C6: { country: 'AU', region: 'fe' },
  A1VC38T7YXB528: { country: 'JP', region: 'fe' },
};

/** `DE (A1PA6795UKMFR9)`, or the bare id when the country is not known. */
export function marketplaceName(marketplaceId: string): string {
  const country = marketplaces[marketplaceId]?.country;
  return country === undefined ? marketplaceId : `${country} (${marketplaceId})`;
}

/** Words of the platform for people: short, and never a token. */
export function scrub(text: string): string {
  return short(text.replace(/Atz[a-z]\|\S+/g, '[token]'));
}
