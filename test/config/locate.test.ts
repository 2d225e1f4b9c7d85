import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { locateConfig } from '../../src/config/locate.ts';
import { EXIT } from '../../src/errors.ts';

describe('the configuration file', () => {
  let cwd = '';
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'invsync-locate-'));
  });
  afterEach(() => rmSync(cwd, { recursive: true, force: true }));

  test('is the one named by hand, before the environment and the usual names', () => {
    writeFileSync(join(cwd, 'config.yaml'), '');
    writeFileSync(join(cwd, 'invsync.yaml'), '');
    const env = { INVSYNC_CONFIG: '/etc/invsync.yaml' };
    expect(locateConfig('mine.yaml', { env, cwd })).toBe(join(cwd, 'mine.yaml'));
    expect(locateConfig(undefined, { env, cwd })).toBe('/etc/invsync.yaml');
    expect(locateConfig(undefined, { env: {}, cwd })).toBe(join(cwd, 'config.yaml'));
    rmSync(join(cwd, 'config.yaml'));
    expect(locateConfig(undefined, { env: {}, cwd })).toBe(join(cwd, 'invsync.yaml'));
  });

  test('that is nowhere is told with how to make one', () => {
    expect(() => locateConfig(undefined, { env: {}, cwd })).toThrow(
      expect.objectContaining({
        code: 'config',
        exitCode: EXIT.usage,
        hint: expect.stringContaining('copy config.example.yaml to config.yaml'),
      }),
    );
  });
});
