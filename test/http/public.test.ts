import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HookRequest } from '../../src/channels/channel.ts';
import { signMemory } from '../../src/channels/memory/wire.ts';
import { systemClock } from '../../src/clock.ts';
import { type Listener, listenerLimits } from '../../src/http/listener.ts';
import { createPublicListener } from '../../src/http/public.ts';
import { silentLog } from '../../src/log.ts';
import type { HookAnswer } from '../../src/sync/inbound/receive.ts';
import { makeWorld, type World } from '../sync/world.ts';
import { raw } from './raw.ts';

const local = { host: '127.0.0.1', port: 0 };
let listener: Listener;
let asked: HookRequest[];
let answer: (request: HookRequest) => Promise<HookAnswer>;

const ok: HookAnswer = {
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: '{"status":"accepted"}',
};

beforeEach(async () => {
  asked = [];
  answer = async () => ok;
  listener = createPublicListener(
    {
      clock: systemClock,
      log: silentLog,
      receiver: {
        receive: async (channelName, request) => {
          if (channelName !== 'shop') return { status: 404, headers: {}, body: '' };
          asked.push(request);
          return await answer(request);
        },
      },
    },
    local,
    { ...listenerLimits, headersTimeoutMs: 300, requestTimeoutMs: 600, drainMs: 500 },
  );
  await listener.start();
});
afterEach(async () => {
  await listener.stop();
});

const post = 'POST /hooks/shop HTTP/1.1\r\nHost: x\r\n';

describe('on the wire', () => {
  const cases: [string, string, number][] = [
    ['a sound delivery', `${post}Content-Length: 2\r\n\r\n{}`, 200],
    [
      'a path below the channel',
      'POST /hooks/shop/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
      200,
    ],
    ['a handshake', 'GET /hooks/shop?challenge=1 HTTP/1.1\r\nHost: x\r\n\r\n', 200],
    ['an unknown channel', 'POST /hooks/none HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n', 404],
    ['another path', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n', 404],
    ['the admin paths', 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n', 404],
    ['a path with dots', 'POST /hooks/../shop HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n', 404],
    ['PUT', 'PUT /hooks/shop HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n', 405],
    ['OPTIONS', 'OPTIONS /hooks/shop HTTP/1.1\r\nHost: x\r\n\r\n', 405],
    ['two Host headers', `${post}Host: y\r\nContent-Length: 2\r\n\r\n{}`, 400],
    ['no Host header', 'POST /hooks/shop HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}', 400],
    [
      'an absolute-form target',
      'POST http://evil/hooks/shop HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
      400,
    ],
    [
      'Content-Length and Transfer-Encoding',
      `${post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['two Content-Lengths', `${post}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`, 400],
    ['an unknown Transfer-Encoding', `${post}Transfer-Encoding: rot13\r\n\r\n`, 400],
    ['a folded header', `${post}X: a\r\n b\r\nContent-Length: 0\r\n\r\n`, 400],
    ['a space before the colon', `${post}X : a\r\nContent-Length: 0\r\n\r\n`, 400],
    ['bare line feeds', 'POST /hooks/shop HTTP/1.1\nHost: x\n\n', 400],
    ['a NUL in a header', `${post}X: a\u0000b\r\nContent-Length: 0\r\n\r\n`, 400],
    ['a negative Content-Length', `${post}Content-Length: -1\r\n\r\n`, 400],
    ['a compressed body', `${post}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}`, 415],
    ['an expectation', `${post}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`, 417],
    ['an odd expectation', `${post}Expect: miracles\r\nContent-Length: 2\r\n\r\n`, 417],
    ['headers of 17 KB', `${post}X: ${'a'.repeat(17 * 1024)}\r\nContent-Length: 0\r\n\r\n`, 431],
    ['two hundred headers', `${post}${'X: a\r\n'.repeat(200)}Content-Length: 0\r\n\r\n`, 431],
    ['a body declared too large', `${post}Content-Length: 1048577\r\n\r\n`, 413],
    ['no HTTP at all', 'hello\r\n\r\n', 400],
  ];
  test.each(cases)('%s', async (_name, bytes, status) => {
    const got = await raw(listener.url, [bytes]);
    expect(got.statuses).toEqual([status]);
    if (status >= 400) expect(asked).toEqual([]);
  });

  test('HTTP/0.9 is refused', async () => {
    const got = await raw(listener.url, ['GET /hooks/shop\r\n\r\n']);
    expect(got.text).not.toContain('accepted');
    expect(asked).toEqual([]);
  });

  test('a signature sent twice reaches the adapter joined, so that it can refuse it', async () => {
    await raw(listener.url, [`${post}X-Sig: a\r\nx-sig: a\r\nContent-Length: 0\r\n\r\n`]);
    await raw(listener.url, [`${post}Authorization: a\r\nAuthorization: b\r\nContent-Length: 0\r\n\r\n`]);
    expect(asked[0]?.headers['x-sig']).toBe('a, a');
    expect(asked[1]?.headers['authorization']).toBe('a, b');
  });

  test('the adapter sees path, query and the raw bytes', async () => {
    const body = Buffer.from([0xff, 0x00, 0x0a, 0x7b]);
    const head = 'POST /hooks/shop/a%2Fb/?x=1&y=? HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n';
    await raw(listener.url, [head, body]);
    expect(asked[0]).toMatchObject({ method: 'POST', path: '/a%2Fb/', query: 'x=1&y=?' });
    expect(Buffer.from(asked[0]?.body ?? []).equals(body)).toBe(true);
  });

  test('a body sent byte by byte or in chunks arrives whole', async () => {
    const bytes = `${post}Content-Length: 5\r\n\r\nhello`.split('');
    expect((await raw(listener.url, bytes)).statuses).toEqual([200]);
    const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n`;
    expect((await raw(listener.url, [chunked])).statuses).toEqual([200]);
    expect(asked.map((each) => Buffer.from(each.body).toString())).toEqual(['hello', 'hello']);
  });

  test('1 MiB is taken and one byte more is not, however it is sent', async () => {
    const mib = 1024 * 1024;
    const whole = Buffer.alloc(mib, 'a');
    const declared = await raw(listener.url, [`${post}Content-Length: ${mib}\r\n\r\n`, whole]);
    expect(declared.statuses).toEqual([200]);
    const head = `${post}Transfer-Encoding: chunked\r\n\r\n`;
    const chunk = (size: number) =>
      Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), Buffer.alloc(size, 'a'), Buffer.from('\r\n')]);
    const over = await raw(listener.url, [head, chunk(mib), chunk(1), '0\r\n\r\n']);
    expect(over.statuses).toEqual([413]);
    const wide = await raw(listener.url, [head, chunk(2 * mib), '0\r\n\r\n']);
    expect(wide.statuses).toEqual([413]);
    expect(asked).toHaveLength(1);
  });

  test('a caller that closes half way costs nothing', async () => {
    await raw(listener.url, [`${post}Content-Length: 10\r\n\r\nhell`], { end: true });
    expect(asked).toEqual([]);
    expect((await raw(listener.url, [`${post}Content-Length: 2\r\n\r\n{}`])).statuses).toEqual([200]);
  });

  test('headers or a body that never end are cut with 408', async () => {
    expect((await raw(listener.url, ['POST /hooks/shop HTTP/1.1\r\nHost: x\r\nX: '])).statuses).toEqual([
      408,
    ]);
    expect((await raw(listener.url, [`${post}Content-Length: 10\r\n\r\nhell`])).statuses).toEqual([408]);
    expect(asked).toEqual([]);
  });

  test('two requests in one packet get two answers in order', async () => {
    const one = `${post}Content-Length: 2\r\n\r\n{}`;
    const other = 'POST /hooks/none HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n';
    expect((await raw(listener.url, [one + other], { answers: 2 })).statuses).toEqual([200, 404]);
  });

  test('a defect of the handler is 503 with Retry-After', async () => {
    answer = async () => {
      throw new Error('a defect');
    };
    const got = await raw(listener.url, [`${post}Content-Length: 2\r\n\r\n{}`]);
    expect(got.statuses).toEqual([503]);
    expect(got.text).toMatch(/retry-after: 5/i);
  });

  test('a stop lets the running request end and takes no new connection', async () => {
    let finish: () => void = () => undefined;
    const begun = new Promise<void>((begin) => {
      answer = () => {
        begin();
        return new Promise((resolve) => {
          finish = () => resolve(ok);
        });
      };
    });
    const running = raw(listener.url, [`${post}Content-Length: 2\r\n\r\n{}`]);
    await begun;
    const stopped = listener.stop();
    const refused = await new Promise((resolve) => {
      const { port } = new URL(listener.url);
      const late = connect(Number(port), '127.0.0.1');
      late.on('error', () => resolve(true));
      late.on('connect', () => resolve(false));
    });
    finish();
    expect((await running).statuses).toEqual([200]);
    await stopped;
    await listener.stop();
    expect(refused).toBe(true);
  });

  test('a stop cuts a request that does not end', async () => {
    answer = () => new Promise(() => undefined);
    const hanging = raw(listener.url, [`${post}Content-Length: 2\r\n\r\n{}`]);
    while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await listener.stop();
    expect((await hanging).statuses).toEqual([]);
  });
});

describe('over a real store', () => {
  let world: World;
  let real: Listener;
  beforeEach(async () => {
    world = await makeWorld();
    real = createPublicListener({ clock: world.clock, log: silentLog, receiver: world.receiver }, local);
    await real.start();
  });
  afterEach(async () => {
    await real.stop();
    await world.close();
  });

  function signed(
    body: string,
    key: string,
    signature = signMemory(Buffer.from(body), 'a shared secret'),
  ): string {
    const headers = `X-Memory-Id: ${key}\r\nX-Memory-Signature: ${signature}\r\n`;
    return `${post}${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  }

  test('an authentic delivery is on disk before it is answered, once however often it comes', async () => {
    const results = await Promise.all(
      Array.from({ length: 50 }, () => raw(real.url, [signed('{"a":1}', 'same')])),
    );
    expect(results.every((each) => each.statuses[0] === 200)).toBe(true);
    expect(results.filter((each) => each.text.includes('"accepted"'))).toHaveLength(1);
    expect(results.filter((each) => each.text.includes('"duplicate"'))).toHaveLength(49);
    expect(await world.store.inbox.list({ limit: 10 })).toHaveLength(1);
  });

  test('unauthentic ones are 401 without a word and leave no trace', async () => {
    const body = '{"a":1}';
    const good = signMemory(Buffer.from(body), 'a shared secret');
    const forged = [
      signed(body, 'k', 'f'.repeat(64)),
      signed(body, 'k', ''),
      signed(body, 'k', good.toUpperCase()),
      signed(body, 'k', good.slice(1)),
      signed(body, 'k', good).replace('{"a":1}', '{"a":2}'),
      signed(body, 'k', good).replace('X-Memory-Id', `X-Memory-Signature: ${good}\r\nX-Memory-Id`),
      `${post}X-Memory-Id: k\r\nContent-Length: 0\r\n\r\n`,
    ];
    for (const bytes of forged) {
      const got = await raw(real.url, [bytes]);
      expect(got.statuses).toEqual([401]);
      expect(got.text.split('\r\n\r\n')[1]).toBe('');
    }
    expect(await world.store.inbox.list({ limit: 10 })).toEqual([]);
  });
});
