import type { Delivery } from '../channels/channel.ts';
import { ChannelError } from '../channels/errors.ts';
import { messageOf } from '../errors.ts';
import { doublingMs } from './backoff.ts';
import { park } from './contact.ts';
import type { Duty, Engine, LiveChannel } from './engine.ts';
import { createLoop } from './loop.ts';
import { rowOf } from './receive.ts';

/** A queue that answered in peace for so long starts its rests from the beginning again. */
const calmMs = 60_000;

/** Pulls the queues of channels that have one. A message is removed at its source only after it is on disk here. */
export function createListening(engine: Engine): Duty {
  const loops = [...engine.channels.values()]
    .filter((live) => live.channel.listen !== undefined)
    .map((live) => listening(engine, live));
  return {
    name: 'listen',
    start() {
      for (const loop of loops) loop.start();
    },
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}

function listening(engine: Engine, live: LiveChannel): Duty {
  let failures = 0;
  return createLoop(engine, `listen ${live.name}`, async (signal) => {
    const beganAt = engine.clock.now();
    try {
      await live.channel.listen?.((deliveries) => takeIn(engine, live, deliveries), signal);
      failures = 0;
      return 1_000;
    } catch (error) {
      if (signal.aborted) return 0;
      failures = engine.clock.now() - beganAt > calmMs ? 1 : failures + 1;
      if (error instanceof ChannelError && error.kind === 'auth') await park(engine, live, error);
      engine.log.warn({ channel: live.name, error: messageOf(error) }, 'the queue could not be read');
      const restMs = doublingMs(failures, 1_000, 300_000);
      return error instanceof ChannelError && error.kind === 'throttled'
        ? Math.max(restMs, error.afterMs ?? 0)
        : restMs;
    }
  });
}

async function takeIn(engine: Engine, live: LiveChannel, deliveries: Delivery[]): Promise<void> {
  if (deliveries.length === 0) return;
  const receivedAt = engine.clock.now();
  const rows = deliveries.map((delivery) => rowOf(live, delivery, receivedAt));
  await engine.store.inbox.takeIn(rows);
  engine.wakes.inbox();
}
