import type { Delivery } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { deliveryOf } from './envelope.ts';
import type { Queue } from './queue.ts';

/** What was taken is removed although we are asked to stop, or it would come again after the next start. */
const removeTimeoutMs = 5_000;

/**
 * Hands over what the queue brings until aborted; a message is removed only after `take` has resolved. A crash in
 * between, or a removal that fails, brings the message again, which its key absorbs (AMZ-2.4, AMZ-2.5).
 */
export async function listen(
  queue: Queue,
  take: (deliveries: Delivery[]) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const messages = await receive(queue, signal);
    if (messages.length === 0) {
      if (!signal.aborted) await take([]);
      continue;
    }
    await take(messages.map(({ body }) => deliveryOf(Buffer.from(body, 'utf8'))));
    await queue.remove(
      messages.map(({ receipt }) => receipt),
      AbortSignal.timeout(removeTimeoutMs),
    );
  }
}

async function receive(queue: Queue, signal: AbortSignal) {
  try {
    return await queue.receive(signal);
  } catch (error) {
    // A poll that was cut off by our own stop is the end of listening, not a failure.
    if (signal.aborted && error instanceof ChannelError) return [];
    throw error;
  }
}
