import type { DeliveryContent } from '../../channels/channel.ts';
import { messageOf } from '../../errors.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { readItems } from './read.ts';

/** What a look by id found for one order. */
export type Found =
  | { kind: 'found'; content: DeliveryContent }
  | { kind: 'missing' }
  | { kind: 'unreadable'; error: string };

/**
 * Fetches orders by id and reads them, one entry per id. `looks` is handed to the adapter as `attempt`. Throws the
 * channel's `ChannelError`.
 */
export async function lookUp(
  engine: Engine,
  live: LiveChannel,
  wanted: { ids: string[]; looks: number },
  signal: AbortSignal,
): Promise<Map<string, Found>> {
  const found = new Map<string, Found>();
  if (wanted.ids.length === 0) return found;
  const answers = await live.channel.fetchOrders(wanted.ids, signal);
  for (const answer of answers) if ('missing' in answer) found.set(answer.orderId, { kind: 'missing' });
  const there = answers.flatMap((answer) => ('missing' in answer ? [] : [answer]));
  const items = there.map(({ item, askedAt, answeredAt }) => {
    return { item, how: { obtained: 'fetched' as const, askedAt, answeredAt, attempt: wanted.looks } };
  });
  const contents = await readItems(engine, live, items);
  for (const [index, { orderId }] of there.entries()) {
    const read = contents[index];
    if (read !== undefined && 'content' in read) found.set(orderId, { kind: 'found', content: read.content });
    else found.set(orderId, { kind: 'unreadable', error: messageOf(read?.error) });
  }
  return found;
}
