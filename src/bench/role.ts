import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Json } from '../channels/channel.ts';
import { messageOf } from '../errors.ts';

/** What a process of its own does for the benchmark, by verb. Arguments and answers are plain JSON. */
export type Verbs = Readonly<Record<string, (args: Json) => Promise<Json>>>;

/** A running process of its own. */
export interface Role {
  readonly pid: number;
  /** Rejects with what the process threw, or when it died. */
  call(verb: string, args?: Json): Promise<Json>;
  /** Ends the process. */
  stop(): Promise<void>;
}

interface Ask {
  id: number;
  verb: string;
  args: Json;
}
type Answer = { id: number; value: Json } | { id: number; error: string };

const entry = fileURLToPath(new URL('./main.js', import.meta.url));

/** Starts `node main.js --role <name>`; `env` is laid over the environment. */
function startRole(name: string, env: Readonly<Record<string, string>>): Role {
  const child = fork(entry, ['--role', name], {
    env: { ...process.env, ...env },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, { resolve(value: Json): void; reject(error: Error): void }>();
  let next = 0;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.on('message', (answer: Answer) => {
    const asked = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('error' in answer) asked?.reject(new Error(`${name}: ${answer.error}`));
    else asked?.resolve(answer.value);
  });
  child.once('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`${name} ended (${signal ?? code})`));
    waiting.clear();
  });
  return {
    pid: child.pid ?? 0,
    call: (verb, args = null) =>
      new Promise((resolve, reject) => {
        if (!child.connected) return reject(new Error(`${name} has ended`));
        next += 1;
        waiting.set(next, { resolve, reject });
        child.send({ id: next, verb, args } satisfies Ask);
      }),
    stop: () => end(child, gone),
  };
}

/** A role for as long as the work takes. */
export async function withRole<T>(
  name: string,
  work: (role: Role) => Promise<T>,
  env: Readonly<Record<string, string>> = {},
): Promise<T> {
  const role = startRole(name, env);
  try {
    return await work(role);
  } finally {
    await role.stop();
  }
}

async function end(child: ChildProcess, gone: Promise<void>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await gone;
}

/** The far side: answers asks until the parent goes away. */
export function serveRole(verbs: Verbs): void {
  process.on('message', (ask: Ask) => {
    const act = verbs[ask.verb];
    const running = act === undefined ? Promise.reject(new Error(`no verb ${ask.verb}`)) : act(ask.args);
    running.then(
      (value) => process.send?.({ id: ask.id, value } satisfies Answer),
      (error: unknown) => process.send?.({ id: ask.id, error: messageOf(error) } satisfies Answer),
    );
  });
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
}
