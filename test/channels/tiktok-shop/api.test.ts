import { describe, expect, test } from 'vitest';
import { ChannelError } from '../../../src/channels/errors.ts';
import { calm } from '../../kit/stage.ts';
import { cipher, type Reply, shopsPath, stage } from './scripted-tiktok.ts';

const search = '/product/202309/inventory/search';
const ref = { listingId: '1729592969712207013', counterKey: 'x', channelSku: null, facts: null };

async function failure(run: Promise<unknown>): Promise<ChannelError> {
  const error = await run.then(
    () => new Error('did not fail'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ChannelError) return error;
  throw error;
}

/** A stage on which the first searches answer this, and the later ones find nothing. */
function refusing(...replies: Reply[]) {
  return stage((call) =>
    call.path === search ? (replies.shift() ?? { data: { inventory: [] } }) : undefined,
  );
}

describe('a signed call', () => {
  test('carries token, key, time, cipher and a signature that holds, and a JSON type', async () => {
    const { channel, asked } = await refusing();
    await channel.readStock([ref], calm);
    const [call] = asked(search);
    expect(call?.query).toMatchObject({ app_key: '29a39d', shop_cipher: cipher, timestamp: '1795435200' });
    expect(call?.headers['content-type']).toBe('application/json');
    expect(call?.headers['x-tts-access-token']).toMatch(/^at-/);
    expect(asked(shopsPath)[0]?.query).not.toHaveProperty('shop_cipher');
  });

  test('is signed anew, with a new time, when it is repeated under another token', async () => {
    const { channel, asked, pass } = await refusing();
    let once = true;
    const lane = await stage((call) => {
      if (call.path !== search) return undefined;
      if (!once) return { data: { inventory: [] } };
      once = false;
      lane.pass(2_000);
      return { status: 401, code: 105002, message: 'Expired credentials' };
    });
    await lane.channel.readStock([ref], calm);
    const [first, second] = lane.asked(search);
    expect(Number(second?.query['timestamp']) - Number(first?.query['timestamp'])).toBe(2);
    expect(second?.query['sign']).not.toBe(first?.query['sign']);
    expect(second?.headers['x-tts-access-token']).not.toBe(first?.headers['x-tts-access-token']);
    await channel.readStock([ref], calm);
    pass(1);
    expect(asked(search).length).toBe(1);
  });

  test('asks for the cipher anew, once, when the old one is refused', async () => {
    const { channel, asked } = await refusing({ status: 400, code: 106013, message: 'shop_cipher missing' });
    await channel.readStock([ref], calm);
    expect(asked(shopsPath).length).toBe(2);
    expect(asked(search).length).toBe(2);
  });

  test('below a path of a proxy is signed without that path', async () => {
    const { reopen, deps, asked } = await stage(
      (call) => (call.path.startsWith('/proxy/') ? { data: { shops: [] } } : undefined),
      { isSlack: true },
    );
    deps.baseUrl = `${deps.baseUrl}/proxy`;
    await failure(reopen({ token_url: deps.baseUrl.replace('/proxy', '') }).identity(calm));
    expect(asked(`/proxy${shopsPath}`).length).toBe(1);
  });
});

describe('a clock that is off', () => {
  test.each([31_000, 86_400_000, -301_000, -86_400_000])(
    'by %i ms is mended by the Date of the refusal, and check says so',
    async (skewMs) => {
      const { channel, platform, asked } = await stage((call) => {
        if (call.path === search) return { data: { inventory: [] } };
        return /search$/.test(call.path)
          ? { data: {} }
          : call.path.includes('webhooks')
            ? { data: {} }
            : undefined;
      });
      platform.aheadMs = -skewMs;
      await channel.readStock([ref], calm);
      expect(asked(search).length).toBe(1);
      const clock = (await channel.check(calm)).find(({ name }) => name === 'clock');
      expect(clock).toMatchObject({ level: 'warn', remedy: expect.stringMatching(/NTP/) });
      expect(clock?.detail).toMatch(skewMs > 0 ? /ahead of/ : /behind/);
    },
  );

  test('is a passing failure with a remedy when no Date tells the right time', async () => {
    const { channel, asked } = await refusing(
      { status: 400, code: 36009004, message: "Invalid 'timestamp' query parameter" },
      { status: 400, code: 36009004, message: "Invalid 'timestamp' query parameter" },
    );
    const error = await failure(channel.readStock([ref], calm));
    expect(error).toMatchObject({ kind: 'retry', hint: expect.stringMatching(/clock/) });
    expect(asked(search).length).toBe(1);
  });

  test('by less than the answer took is not believed to be off', async () => {
    const { channel, platform } = await stage((call) =>
      /search$/.test(call.path) || call.path.includes('webhooks') ? { data: {} } : undefined,
    );
    platform.aheadMs = -900;
    const clock = (await channel.check(calm)).find(({ name }) => name === 'clock');
    expect(clock?.level).toBe('ok');
  });
});

describe('a refusal', () => {
  test.each<[string, Reply, ChannelError['kind'], RegExp]>([
    ['too many requests', { code: 36009002, message: 'Too many' }, 'throttled', /rate/],
    ['HTTP 429', { status: 429, text: '<html>slow</html>' }, 'throttled', /rate/],
    ['the hourly limit', { code: 36009037, message: 'limit' }, 'throttled', /hour/],
    ['an internal error', { code: 36009003, message: 'Internal' }, 'retry', /^$/],
    ['HTTP 503', { status: 503, text: 'overload' }, 'retry', /^$/],
    ['a missing scope', { code: 105005, message: 'no scope' }, 'auth', /scope/],
    ['another shop’s token', { code: 101000, message: 'no match' }, 'auth', /shop_id/],
    ['a bad signature', { status: 401, code: 106001, message: 'sign' }, 'auth', /app_secret/],
    ['an address that is not allowed', { code: 36009033, message: 'ip' }, 'auth', /allow list/],
    ['an inactive shop', { status: 401, code: 36009043, message: 'inactive' }, 'auth', /Seller Center/],
    [
      'a wrong key, by its words',
      { status: 400, code: 36009004, message: "Invalid 'app_key'" },
      'auth',
      /app_key/,
    ],
    [
      'a wrong signature, by its words',
      { code: 36009004, message: 'signature is invalid' },
      'auth',
      /app_secret/,
    ],
    [
      'an unexpected cipher, by its words',
      { code: 36009004, message: 'shop_cipher not required' },
      'rejected',
      /fault/,
    ],
    ['other words', { code: 36009004, message: 'page_size is wrong' }, 'rejected', /check/],
    ['a path that is gone', { status: 404, code: 36009009, message: 'path' }, 'rejected', /base_url/],
    ['a page of HTML', { text: '<html><body>hello</body></html>' }, 'retry', /^$/],
    ['HTML under 403', { status: 403, text: '<html>forbidden</html>' }, 'auth', /base_url/],
    ['a redirect', { status: 302, text: '', headers: { location: 'http://x/' } }, 'rejected', /base_url/],
    ['cut JSON', { text: '{"code":0,"message":"Suc' }, 'retry', /^$/],
    ['success under 400', { status: 400, data: {} }, 'rejected', /base_url/],
    ['another shape', { data: { inventory: 'none' } }, 'retry', /^$/],
    ['no envelope', { text: '[]' }, 'retry', /^$/],
  ])('for %s is told as what it is', async (_, reply, kind, hint) => {
    const { channel } = await refusing(reply, reply, reply);
    const error = await failure(channel.readStock([ref], calm));
    expect(error.kind).toBe(kind);
    expect(error.hint).toMatch(hint);
    expect(error.message).not.toMatch(/secret|at-\d|sign=/);
    if (kind === 'throttled') expect(error.afterMs).toBeGreaterThanOrEqual(1_000);
  });

  test('for the rate obeys Retry-After, in seconds or as a date, and backs off longer each time without it', async () => {
    const date = new Date(Date.parse('2026-11-23T12:00:30Z')).toUTCString();
    const { channel } = await refusing(
      { status: 429, code: 36009002, headers: { 'retry-after': '17' } },
      { status: 429, code: 36009002, headers: { 'retry-after': date } },
      { status: 429, code: 36009002 },
      { status: 429, code: 36009002 },
    );
    const waits: number[] = [];
    for (let at = 0; at < 4; at += 1) {
      waits.push((await failure(channel.readStock([ref], calm))).afterMs ?? 0);
    }
    expect(waits[0]).toBe(17_000);
    expect(waits[1]).toBeGreaterThan(20_000);
    expect(waits.slice(2)).toEqual([4_000, 8_000]);
  });

  test('for the hour of a development shop waits until the hour is over', async () => {
    const { channel, pass } = await refusing({ code: 36009037, message: 'limit' });
    pass(50 * 60_000);
    const { afterMs = 0 } = await failure(channel.readStock([ref], calm));
    expect(Math.round(afterMs / 60_000)).toBe(10);
  });

  test('for a token is mended once only: the second one parks the channel', async () => {
    const expired = { status: 401, code: 105002, message: 'Expired credentials' };
    const { channel, asked } = await refusing(expired, expired, expired);
    expect(await failure(channel.readStock([ref], calm))).toMatchObject({
      kind: 'auth',
      hint: expect.stringMatching(/refresh_token/),
    });
    expect(asked(search).length).toBe(2);
  });
});
