import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadConfig, parseConfig } from '../../src/config/load.ts';
import type { Problem } from '../../src/config/problem.ts';
import { redactedConfig, shownSettings } from '../../src/config/show.ts';
import { AppError, EXIT } from '../../src/errors.ts';
import { acme, bazaar } from './acme.ts';

const env = { ACME_TOKEN: 'tok-4711-very-secret', EMPTY: '', UNITS: '3' };
const from = { file: '/srv/invsync/config.yaml', env, definitions: [acme, bazaar] };
const folder = mkdtempSync(join(tmpdir(), 'invsync-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const parse = (text: string) => parseConfig(text, from);

/** The problems of a text that must be refused. */
function problemsOf(text: string): Problem[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof AppError && error.code === 'config') return error.details['problems'] as Problem[];
    throw error;
  }
  throw new Error('the text was accepted');
}

const channel = (...lines: string[]) =>
  [
    'channels:',
    '  one:',
    '    type: acme',
    '    shop: mugs',
    `    api_token: \${ACME_TOKEN}`,
    ...lines.map((l) => `    ${l}`),
  ].join('\n');

describe('a sound file', () => {
  test('gets the documented defaults from an empty text, with a word about the missing channels', () => {
    const { config, warnings } = parse('');
    expect(config).toMatchObject({
      data_dir: '/srv/invsync/data',
      server: { listen: { host: '0.0.0.0', port: 8787 }, public_url: null },
      admin: { listen: { host: '127.0.0.1', port: 8788 }, token: null },
      reconcile: {
        schedule: '0 * * * *',
        timezone: 'UTC',
        max_change: 0.2,
        max_zero: 0.05,
        raise_after: 86_400_000,
      },
      retention: { event_ids: 2_592_000_000, payloads: 1_209_600_000 },
      defaults: { buffer: 0, percent: 1, max: null, oversell: 'alert' },
      channels: [],
    });
    expect(warnings.map((warning) => warning.message)).toEqual(['no channel is configured']);
  });

  test('takes references inside flow mappings, where YAML itself would stumble over the braces', () => {
    const { config } = parse(`admin: { listen: 0.0.0.0:9000, token: \${ACME_TOKEN} }`);
    expect(config.admin).toEqual({ listen: { host: '0.0.0.0', port: 9000 }, token: env.ACME_TOKEN });
  });

  test('lays defaults and the abilities of the type under each channel', () => {
    const { config } = parse(`defaults: { buffer: 2, percent: 80% }\n${channel()}`);
    expect(config.channels[0]).toMatchObject({
      name: 'one',
      type: 'acme',
      own: { shop: 'mugs', api_token: env.ACME_TOKEN },
      mode: 'observe',
      buffer: 2,
      percent: 0.8,
      max: null,
      oversell: 'alert',
      webhooks: true,
      poll: 600_000,
      order_lag: null,
      raise_after: 86_400_000,
      timeout: 30_000,
      presume_gone_after: 14 * 86_400_000,
      base_url: null,
      allow_insecure: false,
    });
  });

  test('lets a channel override what it shares with the others', () => {
    const lines = [
      'mode: live',
      `buffer: \${UNITS}`,
      'max: 9',
      'oversell: cancel',
      'webhooks: false',
      'order_lag: 5s',
    ];
    const { config } = parse(
      channel(...lines, 'settle: 500ms', 'raise_after: 1h', 'base_url: http://127.0.0.1:99/'),
    );
    expect(config.channels[0]).toMatchObject({
      mode: 'live',
      buffer: 3,
      max: 9,
      oversell: 'cancel',
      webhooks: false,
      poll: 120_000,
      order_lag: 5_000,
      settle: 500,
      raise_after: 3_600_000,
      base_url: 'http://127.0.0.1:99',
    });
  });

  test('turns polling off and says when then nothing would hear of sales', () => {
    expect(parse(channel('poll: off')).config.channels[0]?.poll).toBeNull();
    const { warnings } = parse(channel('poll: off', 'webhooks: false'));
    expect(warnings).toEqual([expect.objectContaining({ path: 'channels.one.poll', line: 6 })]);
  });

  test('reads secrets from files, relative ones from the folder of the configuration, less the last line end', () => {
    writeFileSync(join(folder, 'token.txt'), 'from-a-file\n');
    writeFileSync(join(folder, 'config.yaml'), channel().replace(`\${ACME_TOKEN}`, `\${file:token.txt}`));
    const { config, warnings } = loadConfig(join(folder, 'config.yaml'), {}, [acme]);
    expect(config.channels[0]?.own).toEqual({ shop: 'mugs', api_token: 'from-a-file' });
    expect(config.data_dir).toBe(join(folder, 'data'));
    expect(warnings).toEqual([]);
  });

  test(`keeps $\${ as the characters themselves`, () => {
    const { config } = parse(channel().replace('mugs', () => `$\${NOT_THERE}`));
    expect(config.channels[0]?.own).toMatchObject({ shop: `\${NOT_THERE}` });
  });

  test('with a short admin token is accepted with a warning', () => {
    const warnings = parseConfig(`admin: { token: \${SHORT} }`, { ...from, env: { SHORT: 'x1' } }).warnings;
    expect(warnings).toContainEqual(expect.objectContaining({ path: 'admin.token', line: 1 }));
  });

  test('follows anchors and aliases', () => {
    const { config } = parse('defaults: { buffer: &few 2, max: *few }');
    expect(config.defaults).toMatchObject({ buffer: 2, max: 2 });
  });

  test('changes its hash with any value, secrets too, and not with the order of keys', () => {
    const hash = (text: string, token = 'a-token') =>
      parseConfig(text, { ...from, env: { ACME_TOKEN: token } }).config.hash;
    expect(hash(channel())).toBe(hash(channel().replace('    type: acme\n', '').concat('\n    type: acme')));
    expect(hash(channel())).not.toBe(hash(channel(), 'b-token'));
    expect(hash(channel())).not.toBe(hash(channel('buffer: 1')));
  });
});

describe('a file with mistakes', () => {
  const ten = [
    'data_dirr: ./data', // 1
    'server: { listen: 8787 }', // 2
    'reconcile:', // 3
    '  schedule: "61 * * * *"', // 4
    '  timezone: Mars/Olympus', // 5
    '  max_change: lots', // 6
    'retention: { event_ids: 2d }', // 7
    'admin:', // 8
    '  listen: 0.0.0.0:8788', // 9
    'channels:', // 10
    '  one:', // 11
    '    type: acme', // 12
    `    api_token: \${NOT_SET}`, // 13
    '    poll: 5s', // 14
    '    bufer: 1', // 15
    '    base_url: http://shop.example.com', // 16
    '  two:', // 17
    '    type: acmee', // 18
  ].join('\n');

  test('names all of them in one run, each with its line and how to mend it', () => {
    const problems = problemsOf(ten);
    expect(problems.map(({ line, path }) => `${line} ${path}`)).toEqual([
      '1 data_dirr',
      '2 server.listen',
      '4 reconcile.schedule',
      '5 reconcile.timezone',
      '6 reconcile.max_change',
      '7 retention.event_ids',
      '8 admin.token',
      '11 channels.one.shop',
      '13 channels.one.api_token',
      '14 channels.one.poll',
      '15 channels.one.bufer',
      '16 channels.one.base_url',
      '18 channels.two.type',
    ]);
    expect(problems.filter((problem) => problem.hint === '')).toEqual([]);
    const hints = Object.fromEntries(problems.map((problem) => [problem.path, problem.hint]));
    expect(hints['data_dirr']).toBe('did you mean data_dir?');
    expect(hints['channels.one.bufer']).toBe('did you mean buffer?');
    expect(hints['channels.two.type']).toContain('did you mean acme?');
  });

  test('is refused as a configuration error', () => {
    expect(() => parse(ten)).toThrow(expect.objectContaining({ code: 'config', exitCode: EXIT.usage }));
    expect(() => parse(ten)).toThrow('/srv/invsync/config.yaml has 13 problems');
  });

  test.each([
    ['buffer: 1', 'buffer', 'buffer belongs under defaults or a channel (channels.<name>)'],
    ['defaults: { poll: 60s }', 'defaults.poll', 'poll belongs under a channel (channels.<name>)'],
    ['server: { token: x }', 'server.token', 'token belongs under admin'],
    [
      channel('stall: "7"'),
      'channels.one.stall',
      'stall belongs to type bazaar; this channel is of type acme',
    ],
  ])('tells where a misplaced key belongs: %s', (text, path, hint) => {
    expect(problemsOf(text)).toEqual([expect.objectContaining({ path, hint, message: 'unknown key' })]);
  });

  test.each([
    [channel('poll: 60'), 'channels.one.poll', 'is neither a duration nor off'],
    [channel('timeout: 0s'), 'channels.one.timeout', 'must be at least 1ms'],
    [channel('webhooks: maybe'), 'channels.one.webhooks', 'is neither true nor false'],
    [channel('mode: on'), 'channels.one.mode', 'is not a known choice'],
    ['reconcile: { schedule: 0 3 31 2 * }', 'reconcile.schedule', 'names no time that ever comes'],
    ['reconcile: { schedule: 99 * * * * }', 'reconcile.schedule', 'is not a cron expression'],
    [channel('buffer: -1'), 'channels.one.buffer', 'is not a number of units'],
    [channel('buffer: 1.5'), 'channels.one.buffer', 'is not a number of units'],
    [channel('percent: 101%'), 'channels.one.percent', 'is not a percentage'],
    [channel('oversell: hold'), 'channels.one.oversell', 'Acme Market offers no hold of orders'],
    [channel('base_url: https://me:pw@host'), 'channels.one.base_url', 'carries a user name or password'],
    [
      channel('token_url: http://tokens.example'),
      'channels.one.token_url',
      'plain http:// beyond this machine',
    ],
    [channel('signer: []'), 'channels.one.signer', 'is below the minimum of 1 entries'],
    [channel().replace('shop: mugs', 'shop:'), 'channels.one.shop', 'has no value'],
    [channel().replace('shop: mugs', 'shop: 12'), 'channels.one.shop', 'is not text (quote it)'],
    [channel().replace('one:', 'One_Shop:'), 'channels.One_Shop', 'is not a name for a channel'],
    [
      channel().replace(`\${ACME_TOKEN}`, `\${EMPTY}`),
      'channels.one.api_token',
      'the environment variable EMPTY is empty',
    ],
    [
      channel().replace(`\${ACME_TOKEN}`, `\${file:/nowhere}`),
      'channels.one.api_token',
      'cannot read /nowhere (ENOENT)',
    ],
    ['channels: [a]', 'channels', 'is not a table of channels'],
    ['channels: { one: }', 'channels.one', 'is not a table of keys'],
    ['server: { listen: 127.0.0.1:70000 }', 'server.listen', 'is not an address to listen on'],
    ['server: { listen: 127.0.0.1:8788 }', 'admin.listen', 'uses the port of server.listen'],
    ['retention: { event_ids: 0s }', 'retention.event_ids', 'must be at least 1m'],
    ['admin: { token: "" }', 'admin.token', 'is empty'],
    ['- a list', '', 'the file is not a table of keys'],
    [
      'channels: { b: { type: bazaar, stall: "7", webhooks: true } }',
      'channels.b.webhooks',
      'Bazaar sends no webhooks',
    ],
  ])('is told in words: %s', (text, path, message) => {
    expect(problemsOf(text)).toEqual([expect.objectContaining({ path, message })]);
  });

  test('accepts plain http beyond this machine when the channel says so', () => {
    expect(parse(channel('base_url: http://shop.example.com', 'allow_insecure: true')).warnings).toEqual([]);
  });

  test('keeps keys of deliveries for as long as the slowest configured channel repeats them', () => {
    expect(problemsOf(`retention: { event_ids: 119h }\n${channel()}`)[0]?.message).toBe(
      'is shorter than the 5d during which one may repeat a delivery',
    );
    expect(parse(`retention: { event_ids: 5d }\n${channel()}`).config.retention.event_ids).toBe(432_000_000);
  });

  test('names the line of YAML that cannot be read, and of keys given twice', () => {
    expect(problemsOf('server:\n  listen: "127.0.0.1:1\n')[0]).toMatchObject({
      line: expect.any(Number),
      path: '',
    });
    expect(problemsOf('defaults:\n  buffer: 1\n  buffer: 2\n')).toEqual([
      expect.objectContaining({ line: 3, message: 'the key is given twice' }),
    ]);
    expect(problemsOf('a:\n\t- b\n')[0]?.line).toBe(2);
  });

  test('survives a text that is made to grow without bound', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (const [before, name] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg'].map((pair) => [...pair])) {
      bomb.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]`);
    }
    expect(problemsOf(bomb.join('\n')).map((problem) => problem.message)).toContain('more than 50000 values');
    expect(problemsOf('a: &a { b: *a }').length).toBeGreaterThan(0);
  });

  test('that does not exist is told with what to do', () => {
    expect(() => loadConfig(join(folder, 'none.yaml'), {}, [])).toThrow(
      expect.objectContaining({
        code: 'config',
        exitCode: EXIT.usage,
        hint: expect.stringContaining('config.example.yaml'),
      }),
    );
  });
});

describe('secrets', () => {
  test('in clear text are a warning with the line, not an error', () => {
    const text = channel(`signer: [clear-signer-1, "\${ACME_TOKEN}"]`).replace(
      `\${ACME_TOKEN}`,
      'clear-token-99',
    );
    const { warnings } = parse(`admin: { token: clear-admin-token-1 }\n${text}`);
    expect(warnings.map(({ line, path, message }) => `${line} ${path} ${message}`)).toEqual([
      '1 admin.token a secret in clear text',
      '6 channels.one.api_token a secret in clear text',
      '7 channels.one.signer[0] a secret in clear text',
    ]);
    expect(JSON.stringify(warnings)).not.toContain('clear-');
  });

  test('are told apart from their neighbours inside a block of keys, in warnings and when shown', () => {
    const text = channel('queue: { url: "https://queue.example.com/one", pass: clear-pass-1 }');
    const { warnings, config } = parse(text);
    expect(warnings.map(({ path, message }) => `${path} ${message}`)).toEqual([
      'channels.one.queue.pass a secret in clear text',
    ]);
    expect(config.channels[0]?.shown['queue']).toEqual({
      url: 'https://queue.example.com/one',
      pass: '[redacted]',
    });
    const plain = channel('queue: { url: "http://queue.example.com/one", pass: x }');
    expect(problemsOf(plain)[0]).toMatchObject({
      path: 'channels.one.queue.url',
      message: 'plain http:// beyond this machine',
    });
  });

  test('never stand in problems, not even when the mistake is inside them or a schema quotes them', () => {
    const quoting = {
      ...acme,
      config: acme.config.refine(() => false, { error: 'tok-4711-very-secret is bad' }),
    };
    const texts = [
      channel('signer: [tok-4711-very-secret, 12]'),
      channel('signer: *tok-4711-very-secret'),
      channel('signer: !tok-4711-very-secret x'),
      channel('signer: "tok-4711-very-secret'),
      channel('signer: tok-4711-very-secret: x: y'),
      channel('signer: @tok-4711-very-secret'),
      channel('type: tok-4711-very-secret'),
      channel(),
    ];
    for (const text of texts) {
      let said = '';
      try {
        parseConfig(text, { ...from, definitions: [quoting] });
      } catch (error) {
        expect(error).toBeInstanceOf(AppError);
        if (error instanceof AppError) said = JSON.stringify({ ...error, message: error.message });
      }
      expect(said).toContain('problems');
      expect(said).not.toContain('tok-4711');
    }
  });

  test('are redacted in what is shown, in lists and in admin.token, and are told apart by file and default', () => {
    const { config } = parse(
      `admin: { token: ${'clear-admin-token-1'} }\n${channel('signer: [clear-signer-1]', 'poll: 90s')}`,
    );
    const shown = redactedConfig(config);
    expect(JSON.stringify(shown)).not.toMatch(/clear-|tok-4711/);
    expect(shown).toMatchObject({
      admin: { listen: '127.0.0.1:8788', token: '[redacted]' },
      reconcile: { max_change: '20%', raise_after: '1d' },
      channels: {
        one: { shop: 'mugs', api_token: '[redacted]', signer: '[redacted]', poll: '90s', settle: '10s' },
      },
    });
    const rules = Object.fromEntries(shownSettings(config).map((setting) => [setting.path, setting.rules]));
    expect(rules).toMatchObject({
      'channels.one.poll': 'file',
      'channels.one.mode': 'default',
      data_dir: 'default',
    });
  });
});

describe('settings', () => {
  test('of a channel follow the sections of the file, which then rule', () => {
    const { config } = parse(`defaults: { buffer: 2 }\nreconcile: { raise_after: 1h }\n${channel()}`);
    const shown = shownSettings(config).filter(({ path }) =>
      /^channels.one.(buffer|raise_after|max)$/.test(path),
    );
    expect(shown).toEqual([
      { path: 'channels.one.buffer', value: 2, rules: 'file' },
      { path: 'channels.one.max', value: null, rules: 'default' },
      { path: 'channels.one.raise_after', value: '1h', rules: 'file' },
    ]);
  });
});
