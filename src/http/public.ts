import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Receiver } from '../sync/inbound/receive.ts';
import {
  createListener,
  type HttpAnswer,
  type HttpAsk,
  type Listener,
  type ListenerLimits,
  listenerLimits,
  notAllowed,
  refused,
  tryAgain,
} from './listener.ts';

/** What the public listener needs. */
export interface PublicWorld {
  clock: Clock;
  log: Log;
  receiver: Pick<Receiver, 'receive'>;
}

/** The listener for the open internet: `/hooks/<channel>` and what is below it, nothing else. */
export function createPublicListener(
  world: PublicWorld,
  listen: { host: string; port: number },
  limits: ListenerLimits = listenerLimits,
): Listener {
  return createListener(
    listen,
    async (ask) => {
      try {
        return await serveHook(world, ask);
      } catch (error) {
        world.log.error({ error: messageOf(error) }, 'webhook not served');
        return tryAgain('try again');
      }
    },
    limits,
  );
}

async function serveHook(world: PublicWorld, ask: HttpAsk): Promise<HttpAnswer> {
  const found = /^\/hooks\/([A-Za-z0-9._-]{1,100})(\/.*)?$/s.exec(ask.path);
  const channelName = found?.[1];
  if (channelName === undefined) return refused(404, 'nothing is served here');
  if (ask.method !== 'POST' && ask.method !== 'GET') {
    return notAllowed('POST', 'deliveries are sent by POST');
  }
  const body = await ask.body();
  if (!Buffer.isBuffer(body)) return body;
  return await world.receiver.receive(channelName, {
    method: ask.method,
    path: found?.[2] ?? '',
    query: ask.query,
    headers: ask.headers,
    body,
    receivedAt: world.clock.now(),
  });
}
