import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

describe('what proves who asks', () => {
  const files = ['src/channels', 'src/http', 'src/page'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      // Of channels, what judges calls from outside.
      .filter(
        (name) => folder !== 'src/channels' || /(receive|sign|signature|wire|notification)\.ts$/.test(name),
      )
      .map((name) => ({ name: join(folder, name), text: readFileSync(join(root, folder, name), 'utf8') })),
  );
  /** Signatures, digests, passes and tokens on one side of an equality whose other side is no literal. */
  const plain =
    /\b\w*(?:[sS]ignature|[dD]igest|[hH]mac|[sS]ecret|[tT]oken|signed)\b(?:\([^)]*\))? (?:===|!==) (?!null|undefined|''|0|1|")/g;

  test('is never compared by === or !==, which tell by their time how much was right', () => {
    expect('if (signature !== expected)'.match(plain)).not.toBeNull();
    const found = files.flatMap(({ name, text }) =>
      (text.match(plain) ?? []).map((each) => `${name}: ${each}`),
    );
    expect(found).toEqual([]);
  });

  test('is compared in constant time wherever a delivery is judged', () => {
    const judging = files.filter(({ text }) => text.includes('timingSafeEqual(')).map(({ name }) => name);
    expect(judging.length).toBeGreaterThan(4);
    expect(judging).toContain('src/http/token.ts');
  });
});

describe('npm run audit', () => {
  const dir = mkdtempSync(join(tmpdir(), 'invsync-audit-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const answering = (report: unknown) => {
    writeFileSync(join(dir, 'npm'), `#!/bin/sh\ncat <<'REPORT'\n${JSON.stringify(report)}\nREPORT\n`);
    chmodSync(join(dir, 'npm'), 0o755);
    return spawnSync(process.execPath, [join(root, 'bin/audit.js')], {
      encoding: 'utf8',
      env: { PATH: `${dir}:/usr/bin:/bin` },
    });
  };
  const counts = (over: object) => ({ low: 0, moderate: 0, high: 0, critical: 0, total: 0, ...over });

  test('fails on a hole that is high or critical, and names it', () => {
    const report = {
      metadata: { vulnerabilities: counts({ high: 1, total: 1 }) },
      vulnerabilities: { undici: { name: 'undici', severity: 'high' } },
    };
    const { status, stdout } = answering(report);
    expect([status, stdout]).toEqual([1, 'npm audit: 1 known: undici (high); 1 of them high or critical\n']);
  });

  test('passes where none is known, and says in words where nobody could be asked', () => {
    const none = answering({ metadata: { vulnerabilities: counts({}) }, vulnerabilities: {} });
    expect([none.status, none.stdout]).toEqual([0, 'npm audit: 0 known; 0 of them high or critical\n']);
    const silent = answering({ message: 'request failed', error: {} });
    expect([silent.status, silent.stdout]).toEqual([
      0,
      'npm audit: the registry could not be asked, nothing was checked (request failed)\n',
    ]);
  });
});
