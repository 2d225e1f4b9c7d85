import type { ChannelDeps, CheckItem } from '../channel.ts';
import type { EbayConfig } from './config.ts';

const dayMs = 86_400_000;
/** 47,304,000 s, 18 months (EBAY-1.2); it is not renewed by use. */
export const consentLifeMs = 47_304_000_000;
/** Month 15. */
const warnFromMs = (consentLifeMs * 15) / 18;
const remedy = 'let the seller consent again in the browser; set refresh_token and refresh_token_created';

const lastWarned = new WeakMap<ChannelDeps, number>();

/** How old the seller's consent is and what to do about it. */
export function consentItem(config: EbayConfig, now: number): CheckItem {
  const name = 'refresh token';
  const created = config.refresh_token_created;
  if (created === undefined) {
    return {
      name,
      level: 'warn',
      detail: 'its birth date is not known; it ends 18 months after the consent',
      remedy: 'set refresh_token_created to the day of the consent',
    };
  }
  const endsAt = Date.parse(created) + consentLifeMs;
  const until = new Date(endsAt).toISOString().slice(0, 10);
  if (now >= endsAt) return { name, level: 'fail', detail: `over since ${until}`, remedy };
  const days = Math.floor((endsAt - now) / dayMs);
  const detail = `ends on ${until}, in ${days} days`;
  if (now >= endsAt - (consentLifeMs - warnFromMs)) return { name, level: 'warn', detail, remedy };
  return { name, level: 'ok', detail, remedy: '' };
}

/** Says so in the log once a day, when a token is asked for and the consent is about to end. */
export function noteConsentAge(config: EbayConfig, deps: ChannelDeps): void {
  const now = deps.clock.now();
  if (config.refresh_token_created === undefined || now - (lastWarned.get(deps) ?? 0) < dayMs) return;
  const item = consentItem(config, now);
  if (item.level === 'ok') return;
  lastWarned.set(deps, now);
  deps.log.warn({ channel: deps.name, detail: item.detail }, 'the refresh token is about to end');
}
