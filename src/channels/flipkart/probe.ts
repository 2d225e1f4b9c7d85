import type { Shop } from './shop.ts';

/** What came of a call to our own public address. Empty texts: its headers arrived. */
export interface Heard {
  detail: string;
  remedy: string;
}

/** Soundly made and signed with nothing: a listener that gets it refuses it for its signature. */
const token = Buffer.from(`invsync-probe:${'0'.repeat(40)}`).toString('base64');

/**
 * Calls our own address as Flipkart would, to see whether the way in lets header names with underscores through: many
 * proxies drop them by default, and every notification is then refused (FK-2.4). Nothing is signed, so that nobody
 * on the way learns anything. Throws `ChannelError`.
 */
export async function probe(shop: Shop, publicUrl: string, signal: AbortSignal): Promise<Heard> {
  const answer = await shop.api.http(
    {
      method: 'POST',
      url: `${publicUrl}/hooks/${shop.deps.name}${shop.config.hook_path ?? ''}`,
      headers: {
        X_Date: new Date(shop.deps.clock.now()).toUTCString(),
        X_Authorization: `FKLOGIN ${token}`,
        'content-type': 'application/json',
      },
      body: '{}',
      timeoutMs: Math.min(shop.deps.timeoutMs, 10_000),
    },
    signal,
  );
  const text = answer.body.subarray(0, 200).toString('utf8');
  if (answer.status === 401 && /another application|does not match/.test(text))
    return { detail: '', remedy: '' };
  if (answer.status === 401 && /the header x_\S.* is missing/.test(text))
    return {
      detail:
        'the way to the public address drops headers with underscores: every notification would be refused',
      remedy:
        'nginx: underscores_in_headers on; in the server block of the public address. Other proxies: see their manual',
    };
  return {
    detail: `the public address answered ${answer.status}, not as this channel answers`,
    remedy:
      'check that server.public_url leads to this invsync, that it is running, and that it has this channel',
  };
}

/** Did the headers arrive? */
export function isProbed(heard: Heard): boolean {
  return heard.detail === '';
}
