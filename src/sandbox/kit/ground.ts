import type { Shop, ShopOptions } from '../shop.ts';
import { type Agenda, createAgenda } from './agenda.ts';
import { type Caller, createCaller, type Patience } from './caller.ts';
import { createFaults, type Faults } from './faults.ts';
import { createPauses, type Pauses } from './pauses.ts';
import { createRandom, type Random } from './random.ts';
import { createRecords, type Records, type WriteRecord } from './records.ts';
import { answered, bodyOf, jsonAnswer, type ShopAnswer, type ShopRequest, ShopServer } from './server.ts';

/** What every shop stands on: its clock, chance and faults, what it will do later, whom it calls, and what it saw. */
export interface Ground {
  timeScale: number;
  /** ms since 1970; tests may hold it. */
  now(): number;
  random: Random;
  faults: Faults;
  records: Records;
  agenda: Agenda;
  pauses: Pauses;
  caller: Caller;
}

/** `limits`: how many tasks of a group of the agenda run at once. `patience`: of the platform with its receivers. */
export function createGround(
  options: ShopOptions & { now?: () => number },
  platform: { faults: readonly string[]; limits: Record<string, number>; patience: Patience },
): Ground {
  const random = createRandom(options.seed).fork(options.name);
  const now = options.now ?? Date.now;
  return {
    timeScale: options.timeScale,
    now,
    random,
    faults: createFaults(random.fork('faults'), platform.faults),
    records: createRecords(now),
    agenda: createAgenda(platform.limits),
    pauses: createPauses(),
    caller: createCaller(platform.patience),
  };
}

/** The HTTP side of a shop. */
export interface Door {
  /** Known after `start`. */
  readonly url: string;
  start(): Promise<void>;
  /** Stops serving, calling and all that would happen later. */
  stop(): Promise<void>;
}

/** Opens a shop's door: what `route` answers is written down, null cuts the connection; `slow` waits before it. */
export function openDoor(
  { port }: ShopOptions,
  ground: Pick<Ground, 'faults' | 'records' | 'agenda' | 'pauses' | 'caller'>,
  platform: {
    shop(): Shop;
    route(request: ShopRequest): Promise<ShopAnswer | null> | ShopAnswer | null;
    /** Verbs of people at this shop alone, `POST /_sandbox/<verb>`, which no fault strikes. */
    verbs?: Record<string, (input: never) => unknown>;
    /** How a request is called in the records; default method and path, never the query: it may carry secrets. */
    nameOf?(request: ShopRequest): string;
    /** The `slow` fault is the gateway's: it does not strike every route. */
    slowElsewhere?: true;
  },
): Door {
  const { faults, records, agenda, pauses, caller } = ground;
  const answerTo = async (request: ShopRequest): Promise<ShopAnswer | null> => {
    const [, verb] = /^\/_sandbox\/(\w+)$/.exec(request.path) ?? [];
    if (verb !== undefined && request.method === 'POST' && platform.verbs !== undefined) {
      const act = platform.verbs[verb] as ((input: unknown) => unknown) | undefined;
      const told = act?.(bodyOf(request)) ?? { ok: true };
      const unknown = { error: { code: 'not_found', message: `no verb "${verb}"` } };
      return act === undefined ? jsonAnswer(404, unknown) : jsonAnswer(200, told);
    }
    const slowMs = platform.slowElsewhere === true ? null : faults.dueMs('slow');
    if (slowMs !== null && !(await pauses.pause(slowMs))) return null;
    return answered(() => platform.route(request));
  };
  const server = new ShopServer(port, platform.shop, async (request) => {
    const answer = await answerTo(request);
    const route = platform.nameOf?.(request) ?? `${request.method} ${request.path}`;
    records.request({ route, status: answer?.status ?? 0 });
    if (answer === null) request.hangUp();
    return answer;
  });
  return {
    get url() {
      return server.url;
    },
    start: () => server.start(),
    async stop() {
      agenda.stop();
      caller.stop();
      pauses.stop();
      await server.stop();
    },
  };
}

/**
 * A call that writes, under the faults that leave its caller in doubt: obeyed long after the caller hung up, obeyed and
 * cut, obeyed and called a failure. Null: the connection is cut.
 */
export async function obeyWrite<Answer>(
  { faults, agenda }: Pick<Ground, 'faults' | 'agenda'>,
  write: {
    /** Obeys and answers. */
    run(): Answer | Promise<Answer>;
    /** Asked when the caller is cut off; answers how it is obeyed later, where nobody hears of a refusal. Default: `run`. */
    late?(): () => unknown;
    /** What `error_500_after` answers, or throws. */
    failure(): Answer;
    /** Marked as answered when the answer leaves. */
    writes: readonly WriteRecord[];
  },
): Promise<Answer | null> {
  const lateMs = faults.dueMs('late_apply');
  if (lateMs !== null) {
    const obey = write.late?.() ?? write.run;
    agenda.add({ afterMs: lateMs, group: 'late', run: async () => void (await answered(obey)) });
    return null;
  }
  const answer = await write.run();
  if (faults.hits('apply_then_timeout')) return null;
  if (faults.hits('error_500_after')) return write.failure();
  for (const record of write.writes) record.answered = true;
  return answer;
}
