import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, test } from 'vitest';
import { createDiskWatch } from '../../src/alerts/disk.ts';
import { watched } from '../../src/alerts/duties.ts';
import { createSender, type Sender } from '../../src/alerts/send.ts';
import { createTelling } from '../../src/alerts/tell.ts';
import { type AlertSettings, noAlerts, type Route } from '../../src/config/alerts.ts';
import { closeAlert, openAlert } from '../../src/sync/alerts.ts';
import { afterTest } from '../kit/stage.ts';
import { makeWorld, settle, type World } from '../sync/world.ts';

interface Call {
  path: string;
  headers: Record<string, string>;
  body: string;
}

interface Hooks {
  url: string;
  calls: Call[];
  status: number;
}

const open: Server[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function hooks(): Promise<Hooks> {
  const at: Hooks = { url: '', calls: [], status: 200 };
  const server = createServer(async (asked, answer) => {
    const chunks: Buffer[] = [];
    for await (const chunk of asked) chunks.push(chunk as Buffer);
    const headers = Object.fromEntries(
      Object.entries(asked.headers).map(([name, value]) => [name, String(value)]),
    );
    at.calls.push({ path: asked.url ?? '', headers, body: Buffer.concat(chunks).toString('utf8') });
    answer.writeHead(at.status, { connection: 'close' }).end(at.status === 200 ? 'ok' : 'go away');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(server);
  at.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return at;
}

async function mailbox(user: string | null) {
  const mails: { to: string[]; text: string }[] = [];
  const server = new SMTPServer({
    authOptional: user === null,
    disabledCommands: user === null ? ['AUTH', 'STARTTLS'] : ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth: (given, _, done) =>
      given.username === user && given.password === 'right'
        ? done(null, { user })
        : done(new Error('no such user')),
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        mails.push({
          to: session.envelope.rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString('utf8'),
        });
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  afterTest(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.server.address() as AddressInfo;
  return { mails, port };
}

const notice = {
  type: 'test',
  level: 'warn',
  title: 'low: Tasse & <b>',
  text: 'one ü\ntwo',
  data: { a: 1 },
} as const;

describe('a route', () => {
  const { signal } = new AbortController();

  async function send(route: Route, sender: Sender): Promise<void> {
    await sender.send(route, notice, 'msg_1', signal);
    await sender.close();
  }
  const sender = () => createSender({ now: () => 1_700_000_000_000, sleep: async () => undefined }, '1');

  test('by mail reaches all addresses, with its subject and text', async () => {
    const { mails, port } = await mailbox('me');
    const route = { name: 'mail', type: 'smtp', host: '127.0.0.1', port, security: 'none' } as const;
    const to = ['a@example.com', 'b@example.com'];
    await send({ ...route, user: 'me', password: 'right', from: 'invsync <i@example.com>', to }, sender());
    expect(mails[0]?.to).toEqual(to);
    expect(mails[0]?.text).toContain('Subject: low: Tasse & <b>');
    expect(mails[0]?.text).toContain('Auto-Submitted: auto-generated');
  });

  test('by mail says in words what the server refused, without the password', async () => {
    const { port } = await mailbox('me');
    const route = { name: 'mail', type: 'smtp', host: '127.0.0.1', port, security: 'none' } as const;
    const wrong = {
      ...route,
      user: 'me',
      password: 'wr0ng-secret',
      from: 'i@example.com',
      to: 'a@example.com',
    };
    const refusal = await send(wrong, sender()).then(() => '', String);
    expect(refusal).toContain('no such user');
    expect(refusal).not.toContain('wr0ng');
    await expect(send({ ...wrong, host: 'mail.example.com' }, sender())).rejects.toThrow('this machine only');
  });

  test('to Slack escapes its marks', async () => {
    const at = await hooks();
    await send({ name: 'chat', type: 'slack', webhook_url: `${at.url}/services/x` }, sender());
    expect(JSON.parse(at.calls[0]?.body ?? '')).toEqual({ text: '*low: Tasse &amp; &lt;b&gt;*\none ü\ntwo' });
  });

  test('to Discord calls nobody by name', async () => {
    const at = await hooks();
    await send({ name: 'chat', type: 'discord', webhook_url: `${at.url}/api/webhooks/1/x` }, sender());
    expect(JSON.parse(at.calls[0]?.body ?? '')).toEqual({
      content: '**low: Tasse & <b>**\none ü\ntwo',
      allowed_mentions: { parse: [] },
    });
  });

  test('to ntfy names the topic, the priority and the token', async () => {
    const at = await hooks();
    await send({ name: 'phone', type: 'ntfy', url: `${at.url}/my-shop`, token: 'tk_1' }, sender());
    expect(at.calls[0]?.path).toBe('/');
    expect(at.calls[0]?.headers['authorization']).toBe('Bearer tk_1');
    expect(JSON.parse(at.calls[0]?.body ?? '')).toMatchObject({
      topic: 'my-shop',
      priority: 3,
      title: notice.title,
    });
  });

  test.each(['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'a plain text secret'])(
    'by webhook is signed so that another verifier believes it (%s)',
    async (secret) => {
      const at = await hooks();
      const live = createSender({ now: () => Date.now(), sleep: async () => undefined }, '1');
      await send({ name: 'hook', type: 'webhook', url: at.url, secret }, live);
      const [call] = at.calls;
      const key = secret.startsWith('whsec_') ? secret : Buffer.from(secret).toString('base64');
      expect(new Webhook(key).verify(call?.body ?? '', call?.headers ?? {})).toMatchObject({
        type: 'test',
        data: { level: 'warn', title: notice.title, a: 1 },
      });
      const other = { ...call?.headers, 'webhook-id': 'msg_2' };
      expect(() => new Webhook(key).verify(call?.body ?? '', other)).toThrow();
    },
  );

  test('that answers badly, or not at all, is refused in words that do not tell its address', async () => {
    const at = await hooks();
    at.status = 403;
    const route = { name: 'chat', type: 'slack', webhook_url: `${at.url}/services/s3cret` } as const;
    await expect(send(route, sender())).rejects.toThrow('answered 403: go away');
    const nobody = await send({ ...route, webhook_url: 'http://127.0.0.1:1/s3cret' }, sender()).then(
      () => '',
      String,
    );
    expect(nobody).toContain('127.0.0.1:1');
    expect(nobody).not.toContain('s3cret');
  });
});

describe('telling', () => {
  let world: World;

  async function stage(settings: Partial<AlertSettings>) {
    world = await makeWorld();
    const sender = createSender(world.clock, '1');
    const make = () => createTelling(world.engine, { ...noAlerts, ...settings }, sender);
    let duty = make();
    duty.start();
    afterTest(async () => {
      await duty.stop();
      await sender.close();
    });
    return {
      again: async () => {
        await duty.stop();
        duty = make();
        duty.start();
      },
      /** Lets the duty look until the calls have arrived; real sockets do not follow the clock of the world. */
      until: async (what: string, done: () => boolean | Promise<boolean>) => {
        for (let turn = 0; !(await done()); turn += 1) {
          if (turn > 5_000) throw new Error(`waited in vain for ${what}`);
          await world.clock.advance(100);
          await settle(50);
        }
      },
    };
  }

  const shortfall = {
    channelId: null,
    kind: 'oversell',
    subject: 'shop 1',
    message: 'order 1 wants 1 more',
  } as const;
  const titles = (at: Hooks) => at.calls.map((call) => JSON.parse(call.body).text.split('\n')[0]);

  test('fires, repeats after its time, keeps what it told over a restart, and says that it is over', async () => {
    const at = await hooks();
    const { until, again } = await stage({ routes: [{ name: 'chat', type: 'slack', webhook_url: at.url }] });
    await openAlert(world.engine, shortfall);
    await until('the first message', () => at.calls.length === 1);
    await until('its note', async () => ((await world.store.telling.untold(9))[0]?.told.length ?? 0) === 1);
    await again();
    world.clock.jump(5 * 3_600_000);
    await world.clock.advance(10_000);
    expect(at.calls).toHaveLength(1);
    world.clock.jump(3_600_000);
    await until('the repeat', () => at.calls.length === 2);
    await closeAlert(world.engine, 'oversell', 'shop 1');
    await until('the end', () => at.calls.length === 3);
    expect(titles(at)).toEqual([
      '*[invsync error] oversell: shop 1*',
      '*[invsync error] still oversell: shop 1*',
      '*[invsync error] over: oversell: shop 1*',
    ]);
    await until('nothing left', async () => (await world.store.telling.untold(9)).length === 0);
  });

  test('by a route that fails stops no other, is tried again, and is told by the others', async () => {
    const bad = await hooks();
    bad.status = 500;
    const good = await hooks();
    const { until } = await stage({
      routes: [
        { name: 'bad', type: 'slack', webhook_url: bad.url },
        { name: 'good', type: 'slack', webhook_url: good.url },
      ],
    });
    await openAlert(world.engine, shortfall);
    await until('the good one', () => good.calls.length === 1);
    for (let failures = 1; failures <= 3; failures += 1) {
      await until(
        `failure ${failures}`,
        async () => (await world.store.telling.routes())[0]?.failures === failures,
      );
      world.clock.jump(3_600_000);
    }
    await until('word of it', () => good.calls.some(({ body }) => body.includes('alerts.routes.bad')));
    expect(bad.calls.some(({ body }) => body.includes('alerts.routes.bad'))).toBe(false);
    bad.status = 200;
    world.clock.jump(3_600_000);
    await until('the bad one', async () => (await world.store.telling.routes())[0]?.failures === 0);
    await until('its end', () => titles(good).includes('*[invsync error] over: route failed: bad*'));
  });
});

describe('the disk watch', () => {
  test('tells of a narrow disk, and of its end once there is room to spare', async () => {
    const world = await makeWorld();
    const gib = 1024 ** 3;
    let free = 0.5;
    const watch = createDiskWatch(world.engine, '/books', async () => ({
      free: free * gib,
      total: 100 * gib,
    }));
    watch.start();
    afterTest(() => watch.stop());
    const standing = async (now: number) => {
      free = now;
      await world.clock.advance(61_000);
      return world.store.duties.alertStands('disk', '/books');
    };
    expect(await standing(0.5)).toBe(true);
    expect(await standing(5.5)).toBe(true);
    expect(await standing(6.1)).toBe(false);
  });
});

describe("a dead-man's switch", () => {
  test('hears of the start and the end of a run, and its silence disturbs nothing', async () => {
    const world = await makeWorld();
    const at = await hooks();
    const sender = createSender(world.clock, '1');
    afterTest(() => sender.close());
    const { signal } = new AbortController();
    const means = { engine: world.engine, sender, url: `${at.url}/ping/1` };
    const run = (failed: boolean) => async () => ({ sentence: '44 listings compared', failed });
    expect(await watched(means, signal, run(false))).toBe('44 listings compared');
    await watched(means, signal, run(true));
    const broken = watched(means, signal, () => Promise.reject(new Error('no store')));
    await expect(broken).rejects.toThrow('no store');
    expect(at.calls.map(({ path, body }) => `${path} ${body}`)).toEqual([
      '/ping/1/start ',
      '/ping/1 44 listings compared',
      '/ping/1/start ',
      '/ping/1/fail 44 listings compared',
      '/ping/1/start ',
      '/ping/1/fail no store',
    ]);
    at.status = 500;
    expect(await watched(means, signal, run(false))).toBe('44 listings compared');
    expect(await watched({ ...means, url: null }, signal, run(false))).toBe('44 listings compared');
  });
});
