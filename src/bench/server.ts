import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { z } from 'zod';
import { systemClock } from '../clock.ts';
import { createPublicListener } from '../http/public.ts';
import { silentLog } from '../log.ts';
import type { Store } from '../store/store.ts';
import type { LiveChannel } from '../sync/engine.ts';
import { createReceiver, type HookAnswer, type Receiver, rowOf } from '../sync/inbound/receive.ts';
import { openEngine } from './fixture.ts';
import type { Verbs } from './role.ts';

/**
 * The server under test, in a process of its own. `store`: listener, receiver and writer thread as in the daemon.
 * `bare`: the same listener and the same verification, answering 200 without storing. `commit-each`: one commit per
 * request, on the main thread.
 */
const startArgs = z.object({ kind: z.enum(['store', 'bare', 'commit-each']), dir: z.string() });
type Kind = z.infer<typeof startArgs>['kind'];

let delay: IntervalHistogram | null = null;

export const serverVerbs: Verbs = {
  start: async (args) => {
    const { kind, dir } = startArgs.parse(args);
    const { engine, live, store } = await openEngine(dir, kind === 'commit-each' ? 'caller' : 'own');
    const receiver: Pick<Receiver, 'receive'> =
      kind === 'store' ? createReceiver(engine) : { receive: shortcut(kind, live, store) };
    const listener = createPublicListener(
      { clock: systemClock, log: silentLog, receiver },
      { host: '127.0.0.1', port: 0 },
    );
    await listener.start();
    return Number(new URL(listener.url).port);
  },
  watchLoop: async () => {
    delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    return null;
  },
  /** Milliseconds. */
  loopDelayP99: async () => (delay === null ? null : delay.percentile(99) / 1e6),
};

const accepted: HookAnswer = {
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ status: 'accepted' }),
};

function shortcut(kind: Exclude<Kind, 'store'>, live: LiveChannel, open: Store): Receiver['receive'] {
  return async (_name, request) => {
    const receipt = live.channel.receive(request);
    if (receipt.kind !== 'deliveries') return { status: 401, headers: {}, body: '' };
    if (kind === 'bare') return accepted;
    await open.inbox.takeIn(receipt.deliveries.map((delivery) => rowOf(live, delivery, request.receivedAt)));
    return accepted;
  };
}
