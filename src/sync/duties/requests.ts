import type { Json } from '../../channels/channel.ts';
import { AppError, messageOf } from '../../errors.ts';
import type { RequestRow } from '../../store/store.ts';
import type { Engine } from '../engine.ts';
import { createLoop, type Loop } from '../loop.ts';
import { surely } from '../surely.ts';

/** Carries one kind of request out. What it answers or throws becomes the request's result. */
export type RequestHandler = (
  args: Json,
  progress: (text: string) => void,
  signal: AbortSignal,
) => Promise<Json>;

/** Work that commands ask of the process that talks to channels, by kind. */
export type RequestHandlers = Readonly<Record<string, RequestHandler>>;

const everyMs = 1_000;
/** A long reconcile must not hold up a retry. */
const atOnce = 4;

/** Takes waiting requests and runs their handlers, a few at once. `wake` when one may have come. */
export function createRequests(engine: Engine, handlers: RequestHandlers): Loop {
  const running = new Map<number, Promise<void>>();
  const loop = createLoop(engine, 'requests', async (signal) => {
    for (const request of await engine.store.duties.requestsWaiting()) {
      if (running.size >= atOnce || signal.aborted) break;
      if (running.has(request.id)) continue;
      const work = carryOut(engine, handlers, request, signal).finally(() => {
        running.delete(request.id);
        loop.wake();
      });
      running.set(request.id, work);
    }
    return everyMs;
  });
  return {
    ...loop,
    async stop() {
      await loop.stop();
      await Promise.all(running.values());
    },
  };
}

async function carryOut(
  engine: Engine,
  handlers: RequestHandlers,
  request: RequestRow,
  signal: AbortSignal,
): Promise<void> {
  const { duties } = engine.store;
  const { id, kind } = request;
  try {
    await duties.updateRequest(id, 'running', null, null);
    const handler = Object.hasOwn(handlers, kind) ? handlers[kind] : undefined;
    if (handler === undefined) {
      throw new AppError('unknown_request', `the daemon knows no request "${kind}"`, {
        hint: 'run the same version of invsync as the daemon',
      });
    }
    // Notes are written one after the other and before the result, which none of them may overwrite.
    let noted: Promise<void> = Promise.resolve();
    const progress = (text: string): void => {
      noted = noted.then(() => duties.updateRequest(id, 'running', text, null)).catch(() => undefined);
    };
    const result = await handler(request.args, progress, signal).finally(() => noted);
    await surely(engine, 'a result', () => duties.updateRequest(id, 'done', null, result), signal);
  } catch (error) {
    engine.log.warn({ request: kind, error: messageOf(error) }, 'request failed');
    const result = { error: errorJson(error) };
    await surely(engine, 'a result', () => duties.updateRequest(id, 'failed', null, result), signal).catch(
      (second: unknown) => engine.log.error({ error: messageOf(second) }, 'request not settled'),
    );
  }
}

/** As the command line prints it; `exit_code` is the one that the command ends with. */
function errorJson(error: unknown): Json {
  if (!(error instanceof AppError))
    return { code: 'failed', message: messageOf(error), hint: '', exit_code: 1 };
  return { code: error.code, message: error.message, hint: error.hint, exit_code: error.exitCode };
}
