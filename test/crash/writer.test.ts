import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { configure, forgetFolders, memoryChannel, newFolder } from './folder.ts';
import { buildPower, canPreload } from './preload.ts';

describe('the thread that writes the database', () => {
  let daemon: Daemon | null = null;

  afterEach(async () => {
    daemon?.signal('SIGKILL');
    await daemon?.ended;
    daemon = null;
  });
  afterAll(forgetFolders);

  test('when it ends, the daemon ends with 1 and says why, so that its supervisor starts it again', async () => {
    const dir = newFolder();
    const at = await configure(dir, { shop: memoryChannel });
    const preload = pathToFileURL(join(import.meta.dirname, 'end-thread.mjs')).href;
    daemon = startDaemon(at, { NODE_OPTIONS: `--import ${preload}` });
    await daemon.ready();
    daemon.signal('SIGUSR2');
    expect(await daemon.ended, daemon.log().slice(-2_000)).toEqual({ code: 1, signal: null });
    expect(daemon.log()).toContain('ending: nothing can be stored any more');
    expect(daemon.log()).toContain('the thread that writes the database has ended');
  });

  test('when it ends, what is on its way is refused, the store says that it is lost, and it can still be closed', async () => {
    const threads: Worker[] = [];
    const remember = (worker: Worker) => threads.push(worker);
    process.once('worker', remember);
    const store = await openSqliteStore({ dataDir: newFolder(), writer: 'own' });
    const pinging = store.duties.ping(1);
    const refused = expect(pinging).rejects.toMatchObject({ code: 'store_lost' });
    await threads[0]?.terminate();
    await refused;
    expect(await store.lost).toMatchObject({ code: 'store_lost' });
    await expect(store.duties.ping(2)).rejects.toMatchObject({ code: 'store_lost' });
    await expect(store.duties.tidy()).rejects.toMatchObject({ code: 'store_lost' });
    await store.close();
  });

  test.skipIf(!canPreload())(
    'survives a full disk while it empties its log, and works again when there is room (needs Linux and cc)',
    () => {
      const dir = newFolder();
      const full = join(dir, 'full');
      const env = {
        ...process.env,
        LD_PRELOAD: buildPower(dir) ?? '',
        POWER_DB: join(dir, 'invsync.db'),
        POWER_FULL: full,
      };
      const script = join(import.meta.dirname, 'full-writer.mjs');
      const answer = execFileSync(process.execPath, [script, dir, full], { env, encoding: 'utf8' });
      expect(JSON.parse(answer)).toEqual({
        written: 'done',
        whileFull: 'store_full',
        writtenWhileFull: 'store_full',
        afterwards: 'done',
        emptied: 'done',
      });
    },
  );

  test('is not lost when the store is closed', async () => {
    const store = await openSqliteStore({ dataDir: newFolder(), writer: 'own' });
    let lost = false;
    store.lost.then(() => {
      lost = true;
    });
    await store.close();
    expect(lost).toBe(false);
  });
});
