import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  dropMemoryPlatform,
  type MemoryPlatform,
  memoryPlatform,
} from '../../src/channels/memory/platform.ts';
import type { MemoryHook, MemoryOptions } from '../../src/channels/memory/state.ts';
import type { Io } from '../../src/cli/io.ts';
import { run } from '../../src/cli/program.ts';
import { EXIT } from '../../src/errors.ts';
import { silentLog } from '../../src/log.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';
import { afterTest } from '../kit/stage.ts';
import { heard } from './io.ts';

/** What one command printed and how it ended. */
export interface Ran {
  code: number;
  out: string;
  err: string;
  asked: string[];
}

/** A folder with a configuration, two shops in memory, and the commands of `invsync` run in this process. */
export interface World {
  cwd: string;
  dataDir: string;
  one: MemoryPlatform;
  two: MemoryPlatform;
  /** Runs a command line, without a terminal unless `io` says otherwise. */
  invsync(...argv: string[]): Promise<Ran>;
  invsyncWith(io: Partial<Io>, ...argv: string[]): Promise<Ran>;
  /** The document of a command that must end with this code and print nothing else. */
  json(code: number, ...argv: string[]): Promise<Document>;
  /** The document of a command that must succeed; its words are parted by blanks. */
  ok(command: string): Promise<Document>;
  /** Works on the open books, as the daemon would. */
  withStore<T>(use: (store: Store) => Promise<T>): Promise<T>;
  /** Has a delivery of shop `one` taken in, as the public listener does. */
  deliver(hook: MemoryHook): Promise<void>;
  write(name: string, text: string | Uint8Array): string;
  configure(text: string): void;
  close(): void;
}

/** A parsed answer; tests look into it as they need. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is what the tests are about
export type Document = any;

let worlds = 0;

/** It ends with the test, where a test makes it. Both shops are configured under `one` and `two`; `mode` is that of `one`, `two` observes. */
export function makeWorld(over: { mode?: string; options?: MemoryOptions } = {}): World {
  const cwd = mkdtempSync(join(tmpdir(), 'invsync-cli-'));
  const dataDir = join(cwd, 'data');
  worlds += 1;
  const names = [`cli-${process.pid}-${worlds}-one`, `cli-${process.pid}-${worlds}-two`] as const;
  const [one, two] = [memoryPlatform(names[0], over.options), memoryPlatform(names[1])];
  const write = (name: string, text: string | Uint8Array) => {
    writeFileSync(join(cwd, name), text);
    return name;
  };
  const configure = (text: string) => void write('config.yaml', text);
  configure(configText(names, over.mode ?? 'observe'));

  const invsyncWith = async (io: Partial<Io>, ...argv: string[]): Promise<Ran> => {
    const ears = heard({ cwd, now: () => Date.now(), ...io });
    const code = await run(argv, ears);
    return { code, out: ears.out, err: ears.err, asked: ears.asked };
  };
  const invsync = (...argv: string[]) => invsyncWith({}, ...argv);
  const withStore = async <T>(use: (store: Store) => Promise<T>): Promise<T> => {
    const store = await openSqliteStore({ dataDir, writer: 'caller' });
    try {
      return await use(store);
    } finally {
      await store.close();
    }
  };
  const json: World['json'] = async (code, ...argv) => {
    const ran = await invsync(...argv, '--json');
    if (ran.code !== code) throw new Error(`${argv.join(' ')} exited ${ran.code}: ${ran.out}${ran.err}`);
    return JSON.parse(ran.out);
  };
  const close = () => {
    for (const name of names) dropMemoryPlatform(name);
    rmSync(cwd, { recursive: true, force: true });
  };
  afterTest(async () => close());
  return {
    cwd,
    dataDir,
    one,
    two,
    invsync,
    invsyncWith,
    withStore,
    write,
    configure,
    json,
    ok: (command) => json(EXIT.ok, ...command.split(' ')),
    deliver: (hook) => withStore((store) => takeIn(store, hook)),
    close,
  };
}

/** The configuration of a world. */
export function configText(names: readonly [string, string], mode: string): string {
  const [one, two] = names;
  return [
    'server: { listen: 127.0.0.1:0, public_url: https://sync.example.com }',
    'admin: { listen: 127.0.0.1:0 }',
    'channels:',
    `  one: { type: memory, mode: ${mode}, platform: ${one}, secret: made-up }`,
    `  two: { type: memory, mode: observe, platform: ${two}, secret: made-up }`,
    '',
  ].join('\n');
}

async function takeIn(store: Store, hook: MemoryHook): Promise<void> {
  const { createHash } = await import('node:crypto');
  const channel = (await store.channels.list()).find((row) => row.name === 'one');
  if (channel === undefined) throw new Error('run a command first, so that the channels have their rows');
  const { headers, body } = hook;
  const [taken] = await store.inbox.takeIn([
    {
      channelId: channel.id,
      key: headers['x-memory-id'] ?? '',
      kind: headers['x-memory-topic'] ?? '',
      meta: null,
      body,
      bodyHash: createHash('sha256').update(body).digest('hex'),
      receivedAt: Date.now(),
    },
  ]);
  if (taken?.kind !== 'accepted') throw new Error('the delivery was known already');
}

/** Runs the daemon's answering of requests on these books until the test ends it. */
export async function answeringDaemon(world: World): Promise<{ stop(): Promise<void> }> {
  const { loadConfig } = await import('../../src/config/load.ts');
  const { definitions } = await import('../../src/channels/registry.ts');
  const { compose } = await import('../../src/compose.ts');
  const { takeEngineLock } = await import('../../src/store/sqlite/lock.ts');
  const { createIngest } = await import('../../src/sync/inbound/ingest.ts');
  const { createPusher } = await import('../../src/sync/outbound/push.ts');
  const { createRequests } = await import('../../src/sync/duties/requests.ts');
  const { requestHandlers } = await import('../../src/sync/duties/handlers.ts');
  const lock = takeEngineLock(world.dataDir);
  const { config } = loadConfig(join(world.cwd, 'config.yaml'), {}, await definitions());
  const store = await openSqliteStore({ dataDir: world.dataDir, writer: 'caller' });
  const { engine, close } = await compose(config, store, { log: silentLog });
  const tools = { pusher: createPusher(engine), ingest: createIngest(engine) };
  const requests = createRequests(engine, requestHandlers(engine, tools));
  requests.start();
  return {
    stop: async () => {
      await requests.stop();
      await close();
      await store.close();
      lock.release();
    },
  };
}
