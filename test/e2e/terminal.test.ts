import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { tryEngineLock } from '../../src/store/sqlite/lock.ts';
import { invsync } from '../crash/daemon.ts';
import { configure, forgetFolders, memoryChannel, newFolder } from '../crash/folder.ts';

const bin = join(import.meta.dirname, '../../bin/invsync.js');
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const hasScript = spawnSync('script', ['--version']).status === 0;

/** Runs a command line on a pseudo-terminal of its own; killing the child closes that terminal. */
function onTerminal(line: string) {
  return spawn('script', ['-qfec', `exec ${line}`, '/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'] });
}

async function until(what: string, look: () => Promise<boolean> | boolean): Promise<void> {
  for (let waits = 0; !(await look()); waits += 1) {
    if (waits > 600) throw new Error(`waited in vain for ${what}`);
    await pause(25);
  }
}

const answers = (url: string) =>
  fetch(url).then(
    (answer) => answer.ok,
    () => false,
  );

describe.skipIf(!hasScript)('invsync serve on a terminal', () => {
  let pid = 0;
  afterEach(() => {
    if (pid !== 0) spawnSync('kill', ['-9', String(pid)]);
  });
  afterAll(forgetFolders);

  test('drains and ends when its terminal is closed, and gives its folder free', async () => {
    const dir = newFolder();
    const at = await configure(dir, { shop: memoryChannel });
    const file = join(dir, 'config.yaml');
    const terminal = onTerminal(`${process.execPath} ${bin} serve --config ${file}`);
    await until('the daemon', () => answers(`${at.adminUrl}/readyz`));
    const children = spawnSync('pgrep', ['-f', `serve --config ${file}`])
      .stdout.toString()
      .split('\n');
    pid = Number(children.find((each) => each !== '' && Number(each) !== terminal.pid) ?? 0);
    terminal.kill('SIGKILL');
    await until('its end', () => {
      const lock = tryEngineLock(dir);
      lock?.release();
      return lock !== null;
    });
    expect(await answers(`${at.adminUrl}/healthz`)).toBe(false);
  });
});

describe('what keeps the daemon from starting is told in words', () => {
  afterAll(forgetFolders);

  test('a port that is taken is named, with the command that shows by whom', async () => {
    const dir = newFolder();
    const at = await configure(dir, { shop: memoryChannel });
    const port = Number(new URL(at.publicUrl).port);
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    const { code, stderr } = await invsync(dir, ['serve']);
    await new Promise((resolve) => other.close(resolve));
    expect(code).toBe(1);
    expect(stderr).toContain(`cannot listen on 127.0.0.1:${port}: another program listens there`);
    expect(stderr).toContain(`ss -ltnp 'sport = :${port}'`);
    expect(stderr).not.toContain('fault of invsync');
  });
});
