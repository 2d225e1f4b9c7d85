import { z } from 'zod';
import type { HookRequest, Receipt } from '../channel.ts';
import { listOf } from '../kit/config.ts';
import { hashKey } from '../kit/hook.ts';
import { jsonOf } from '../kit/json.ts';
import { MaybeId } from '../kit/shapes.ts';
import type { Shop } from './api.ts';
import type { Door } from './door.ts';
import { formOf, readClaim, type Signed } from './signature.ts';

/** An older or newer date is told, and not refused: a repeat may carry its first date, and a refusal blocks its group. */
const staleMs = 15 * 60_000;

/** What is read of a notification at the door (FK-2.2). */
const Head = z.object({
  eventType: z.string().min(1).max(100).nullish().catch(null),
  shipmentId: MaybeId,
  returnId: MaybeId,
  timestamp: MaybeId,
  attributes: z.unknown().optional(),
});

/**
 * Authenticates a notification (FK-2.4). The signature does not cover the body, so that nothing of the body is
 * believed: it only says which shipment to look at. Whatever is authentic is stored and answered 200, unknown events and
 * broken bodies too, because a refused event blocks those after it (FK-2.5).
 */
export function receive(shop: Shop, door: Door, request: HookRequest): Receipt {
  const { config, deps } = shop;
  if (request.method !== 'POST')
    return { kind: 'refused', status: 405, reason: 'notifications are sent by POST' };
  const secrets = listOf(config.hook_secret);
  if (secrets.length === 0) return refused('no hook_secret is configured');
  if (config.hook_path !== undefined && request.path !== config.hook_path)
    return refused('the path is not the one of hook_path');
  const missing = ['x_date', 'x_authorization'].filter((name) => request.headers[name] === undefined);
  if (missing.length > 0) return refused(`the header ${missing.join(' and ')} is missing`);
  const claim = readClaim(request.headers);
  if (claim === null) return refused('the signature has no known form');
  const appIds = config.hook_app_id === undefined ? [config.app_id] : listOf(config.hook_app_id);
  if (!appIds.includes(claim.appId)) return refused('the signature is of another application');
  const addresses = door.addressesFor(request);
  if (addresses === undefined) return { kind: 'needs', load: () => door.load() };
  if (addresses.length === 0) return refused('server.public_url is not set: no signature can be checked');
  const signed = addresses.map((url): Signed => ({ url, method: request.method }));
  const form = formOf(claim, signed, secrets);
  if (form === null) return refused('the signature does not match');
  door.noteForm(form);
  const ageMs = Math.abs(request.receivedAt - claim.at);
  if (ageMs > staleMs)
    deps.log.warn({ minutes: Math.round(ageMs / 60_000) }, 'a notification carries a date far from now');
  return named(request.body);
}

/** The texts tell a probe of ours which header a proxy swallowed; they tell nobody anything that helps. */
function refused(reason: string): Receipt {
  return { kind: 'refused', status: 401, reason, body: reason };
}

/** There is no id of the event: what it is about and what it says make the key (FK-2.2). */
function named(body: Uint8Array): Receipt {
  // Authentic and unreadable: it is kept and becomes a dead letter.
  const head = Head.safeParse(jsonOf(body)).data;
  const kind = head?.eventType ?? 'unknown';
  const about = head?.shipmentId ?? head?.returnId ?? '';
  const said = [kind, about, head?.timestamp ?? '', canonical(head?.attributes)].join('|');
  const key = hashKey(head === undefined ? body : said);
  return { kind: 'deliveries', deliveries: [{ key, kind, meta: {}, body }] };
}

/** The same text whatever the order of the fields, which is not fixed (FK-2.2). The parser bounds the depth. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}
