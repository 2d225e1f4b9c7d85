import { describe, expect, test } from 'vitest';
import { ChannelError } from '../../../src/channels/errors.ts';
import { addressOf } from '../../../src/channels/tiktok-shop/tokens.ts';
import { calm, noon } from '../../kit/stage.ts';
import { configOf, grant, type Reply, type Script, shopsPath, stage, tokenPath } from './scripted-tiktok.ts';

const dayMs = 86_400_000;

/** Refresh tokens that are taken, in order; each is spent by its use. */
function chain(...replies: (Reply | undefined)[]): Script {
  return (call) => (call.path === tokenPath ? replies.shift() : undefined);
}

const refused: Reply = { code: 36004004, message: 'refresh_token is invalid' };

async function failure(run: Promise<unknown>): Promise<ChannelError> {
  const error = await run.then(
    () => new Error('did not fail'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ChannelError) return error;
  throw error;
}

describe('tokens', () => {
  test('are asked for by an unsigned GET, kept, and asked for once however many wait', async () => {
    const { channel, asked, vault } = await stage(() => undefined);
    await Promise.all([channel.identity(calm), channel.identity(calm), channel.identity(calm)]);
    expect(asked(tokenPath).map(({ method, query }) => [method, query])).toEqual([
      [
        'GET',
        {
          app_key: '29a39d',
          app_secret: 'e59af819cc-secret',
          refresh_token: 'rt-configured',
          grant_type: 'refresh_token',
        },
      ],
    ]);
    expect(vault.size).toBe(1);
  });

  test('rotate: a restart goes on with the newest refresh token, stored in one write before it is used', async () => {
    const { channel, asked, reopen, vault, pass } = await stage((call) => {
      if (call.path === shopsPath) {
        expect(vault.get('tokens')).toContain(String(call.headers['x-tts-access-token']));
      }
      return undefined;
    });
    await channel.identity(calm);
    const first = JSON.parse(vault.get('tokens') ?? '{}');
    pass(6 * dayMs + 1_000);
    await reopen().identity(calm);
    const [, second] = asked(tokenPath);
    expect(second?.query['refresh_token']).toBe(first.refresh);
    expect(JSON.parse(vault.get('tokens') ?? '{}').refresh).not.toBe(first.refresh);
    await reopen().identity(calm);
    expect(asked(tokenPath).length).toBe(2);
  });

  test.each([
    ['absolute seconds', Math.floor(noon / 1000) + 7 * 86_400],
    ['a duration', 7 * 86_400],
    ['text', String(Math.floor(noon / 1000) + 7 * 86_400)],
    ['nothing', null],
  ])('that end after seven days, told as %s, are renewed with a day left', async (_, ends) => {
    const { channel, asked, pass } = await stage(chain(grant(noon, { access_token_expire_in: ends })));
    await channel.identity(calm);
    pass(6 * dayMs - 60_000);
    await channel.identity(calm);
    expect(asked(tokenPath).length).toBe(1);
    pass(120_000);
    await channel.identity(calm);
    expect(asked(tokenPath).length).toBe(2);
  });

  test('that live shorter than a day are not renewed with every call', async () => {
    const { channel, asked, pass } = await stage(chain(grant(noon, { access_token_expire_in: 3_600 })));
    await channel.identity(calm);
    pass(1_800_000);
    await channel.identity(calm);
    expect(asked(tokenPath).length).toBe(1);
  });

  test('that cannot be renewed early for a passing reason serve on until they end', async () => {
    const busy = { status: 503, text: 'busy' };
    const { channel, pass } = await stage(chain(undefined, busy, busy, busy));
    await channel.identity(calm);
    pass(6 * dayMs + 1_000);
    await channel.identity(calm);
    pass(dayMs);
    expect(await failure(channel.identity(calm))).toMatchObject({ kind: 'retry' });
  });

  test('whose answer was lost are asked for with the old refresh token again, which is not auth', async () => {
    const { channel, asked } = await stage(chain({ hangUp: true }));
    expect(await failure(channel.identity(calm))).toMatchObject({ kind: 'retry' });
    await channel.identity(calm);
    expect(asked(tokenPath).map(({ query }) => query['refresh_token'])).toEqual([
      'rt-configured',
      'rt-configured',
    ]);
  });

  test('when the newest refresh token is refused, try each older one once, and then park with a remedy', async () => {
    const { channel, asked, vault, pass } = await stage(
      chain(grant(noon), grant(noon), refused, refused, refused),
    );
    await channel.identity(calm);
    pass(6 * dayMs + 1_000);
    await channel.identity(calm);
    const { refresh, previous } = JSON.parse(vault.get('tokens') ?? '{}');
    pass(8 * dayMs);
    const error = await failure(channel.identity(calm));
    expect(error).toMatchObject({ kind: 'auth', hint: expect.stringMatching(/authorize the app again/) });
    const tried = asked(tokenPath).map(({ query }) => query['refresh_token']);
    expect(tried.slice(2)).toEqual([refresh, previous, 'rt-configured']);
    for (const secret of tried) expect(error.message).not.toContain(secret);
  });

  test('of a newly configured refresh token begin a new chain', async () => {
    const { channel, reopen, asked } = await stage(() => undefined);
    await channel.identity(calm);
    await reopen({ refresh_token: 'rt-fresh-consent' }).identity(calm);
    expect(asked(tokenPath)[1]?.query['refresh_token']).toBe('rt-fresh-consent');
  });

  test('that were renewed by another process are taken over from the store when the own one is refused', async () => {
    const valid = { token: '' };
    const { channel, vault, asked } = await stage((call) =>
      valid.token !== '' && call.path !== tokenPath && call.headers['x-tts-access-token'] !== valid.token
        ? { status: 401, code: 105002, message: 'Expired' }
        : undefined,
    );
    await channel.identity(calm);
    valid.token = 'at-of-the-other';
    const stored = JSON.parse(vault.get('tokens') ?? '{}');
    vault.set('tokens', JSON.stringify({ ...stored, access: valid.token }));
    await channel.identity(calm);
    expect(asked(tokenPath).length).toBe(1);
  });

  test('that could not be stored are not used, and stored with the next call instead of being lost', async () => {
    const { channel, platform, asked, vault } = await stage(() => undefined);
    platform.isVaultBroken = true;
    expect(await failure(channel.identity(calm))).toMatchObject({ kind: 'retry' });
    expect(asked(shopsPath)).toEqual([]);
    platform.isVaultBroken = false;
    await channel.identity(calm);
    expect(asked(tokenPath).length).toBe(1);
    expect(vault.size).toBe(1);
  });

  test.each<[string, Reply, ChannelError['kind']]>([
    ['a refusal that repeats the secret', { code: 1, message: 'rt-configured e59af819cc-secret' }, 'auth'],
    ['a creator’s token', grant(noon, { user_type: 1 }), 'auth'],
    ['HTTP 401 without JSON', { status: 401, text: 'no' }, 'auth'],
    ['HTML', { text: '<html>' }, 'retry'],
    ['another shape', { data: { access_token: 5 } }, 'retry'],
    ['HTTP 500', { status: 500, text: '' }, 'retry'],
    ['HTTP 429', { status: 429, text: '' }, 'throttled'],
  ])('answered by %s end in a telling failure without secrets', async (_, reply, kind) => {
    const { channel } = await stage(chain(reply, reply));
    const error = await failure(channel.identity(calm));
    expect(error.kind).toBe(kind);
    expect(`${error.message} ${error.hint}`).not.toMatch(/rt-configured|e59af819cc-secret/);
  });

  test('survive a store that holds nonsense', async () => {
    const { channel } = await stage(() => undefined, { vault: new Map([['tokens', '{"owner":5']]) });
    expect((await channel.identity(calm)).accountId).toBe('7494049642642441621');
  });
});

test.each([
  [undefined, null, 'https://auth.tiktok-shops.com/api/v2/token/refresh'],
  [undefined, 'http://127.0.0.1:1', 'http://127.0.0.1:1/api/v2/token/refresh'],
  ['http://127.0.0.1:2/', 'http://127.0.0.1:1', 'http://127.0.0.1:2/api/v2/token/refresh'],
  ['http://127.0.0.1:2/api/v2/token', null, 'http://127.0.0.1:2/api/v2/token/refresh'],
  ['http://127.0.0.1:2/mine', null, 'http://127.0.0.1:2/mine'],
])('token_url %s with base_url %s asks at %s', (tokenUrl, baseUrl, wanted) => {
  expect(addressOf(configOf({ token_url: tokenUrl }), { baseUrl })).toBe(wanted);
});
