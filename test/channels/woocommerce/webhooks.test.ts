import { describe, expect, test } from 'vitest';
import { noon, type Reply } from '../../kit/stage.ts';
import { type Call, scripted, signal } from './scripted-shop.ts';

interface Hook {
  id: number;
  name: string;
  status: string;
  topic: string;
  delivery_url: string;
}

const url = 'https://sync.example.com/hooks/wp-shop/7f3a';

/** The documented webhook routes over a list (WOO-3, WOO-O.6). */
function hooks(list: Hook[]): (call: Call) => Reply {
  let next = 100;
  return ({ method, path, query, body }) => {
    if (method === 'GET') return { json: list.map((hook) => ({ ...hook, resource: 'order', hooks: [] })) };
    if (method === 'POST') {
      const wanted = body as Omit<Hook, 'id'>;
      next += 1;
      const hook = {
        id: next,
        name: wanted.name,
        status: wanted.status,
        topic: wanted.topic,
        delivery_url: wanted.delivery_url,
      };
      list.push(hook);
      return { status: 201, json: hook };
    }
    if (method === 'PUT') {
      const hook = list.find(({ id }) => id === Number(path.split('/').at(-1)));
      if (hook !== undefined) Object.assign(hook, body);
      return { json: hook };
    }
    if (query.get('force') !== 'true') {
      return {
        status: 501,
        json: {
          code: 'woocommerce_rest_trash_not_supported',
          message: 'Webhooks do not support trashing.',
          data: { status: 501 },
        },
      };
    }
    const id = Number(path.split('/').at(-1));
    const at = list.findIndex((hook) => hook.id === id);
    return { json: list.splice(at, 1)[0] };
  };
}

const foreign: Hook = {
  id: 1,
  name: 'accounting',
  status: 'active',
  topic: 'order.created',
  delivery_url: 'https://books.example/in',
};

function disable(list: Hook[], wanted: string): Hook {
  const hook = list.find(({ topic, status }) => topic === wanted && status === 'active');
  if (hook === undefined) throw new Error(`no active ${wanted}`);
  hook.status = 'disabled';
  return hook;
}

describe('webhooks of the shop', () => {
  test('the four order topics are registered once, signed with the configured secret, and no product topic', async () => {
    const list = [{ ...foreign }];
    const { channel, calls } = await scripted(hooks(list));
    const report = await channel.webhooks?.ensure(url, signal);
    expect(report?.changes).toEqual([
      'created order.created',
      'created order.updated',
      'created order.deleted',
      'created order.restored',
    ]);
    const created = calls.filter(({ method }) => method === 'POST').map(({ body }) => body);
    expect(created[0]).toEqual({
      name: 'invsync order.created',
      topic: 'order.created',
      delivery_url: url,
      secret: 'whsec_local_0123456789abcdef',
      status: 'active',
    });
    expect(calls.every(({ path }) => path.startsWith('/wp-json/wc/v3/'))).toBe(true);
    expect((await channel.webhooks?.ensure(url, signal))?.changes).toEqual([]);
    expect(list.length).toBe(5);
  });

  test('a webhook that the shop disabled is enabled again, and its queue stays', async () => {
    const list: Hook[] = [];
    const { channel, calls } = await scripted(hooks(list));
    await channel.webhooks?.ensure(url, signal);
    const before = disable(list, 'order.updated');
    const report = await channel.webhooks?.ensure(url, signal);
    expect(report?.changes).toEqual(['enabled order.updated again: was disabled']);
    expect(list.filter(({ topic }) => topic === 'order.updated')).toMatchObject([
      { id: before.id, status: 'active' },
    ]);
    expect(calls.some(({ method }) => method === 'DELETE')).toBe(false);
  });

  test('a webhook that is disabled again within a day is replaced: the new one first, the old one deleted a day later', async () => {
    const list: Hook[] = [];
    const { channel, calls, deps } = await scripted(hooks(list));
    await channel.webhooks?.ensure(url, signal);
    const old = disable(list, 'order.updated');
    await channel.webhooks?.ensure(url, signal);
    disable(list, 'order.updated');
    calls.length = 0;
    const report = await channel.webhooks?.ensure(url, signal);
    expect(report?.changes).toEqual(['recreated order.updated: was disabled']);
    expect(calls.filter(({ method }) => method !== 'GET').map(({ method }) => method)).toEqual([
      'POST',
      'PUT',
    ]);
    expect(old.status).toBe('disabled');
    expect(old.name).toMatch(/^invsync old 2026-11-23T12:00:00\.\d{3}Z order\.updated$/);
    expect(report?.webhooks.map(({ topic, status }) => [topic, status])).toEqual([
      ['order.created', 'active'],
      ['order.deleted', 'active'],
      ['order.restored', 'active'],
      ['order.updated', 'active'],
    ]);
    expect((await channel.webhooks?.ensure(url, signal))?.changes).toEqual([]);
    expect(list).toContain(old);
    deps.clock.now = () => noon + 25 * 3_600_000;
    expect((await channel.webhooks?.ensure(url, signal))?.changes).toEqual([]);
    expect(list).not.toContain(old);
  });

  test('a shop that will not enable a webhook again gets a new one', async () => {
    const list: Hook[] = [];
    const answer = hooks(list);
    const refusal = { code: 'rest_forbidden', message: 'no', data: { status: 400 } };
    const refuses = (call: Call): Reply =>
      call.method === 'PUT' && Object.keys(call.body as object).length === 1
        ? { status: 400, json: refusal }
        : answer(call);
    const { channel } = await scripted(refuses);
    await channel.webhooks?.ensure(url, signal);
    disable(list, 'order.created');
    const report = await channel.webhooks?.ensure(url, signal);
    expect(report?.changes).toEqual(['recreated order.created: was disabled']);
  });

  test('another address, a second copy and an unneeded topic are mended', async () => {
    const list: Hook[] = [];
    const { channel } = await scripted(hooks(list));
    await channel.webhooks?.ensure(url, signal);
    const [first] = list;
    if (first === undefined) throw new Error('none registered');
    list.push(
      { ...first, id: 50 },
      { ...first, id: 51, name: 'invsync product.updated', topic: 'product.updated' },
    );
    const second = list[1];
    if (second !== undefined) second.delivery_url = 'https://old.example/hooks';
    const report = await channel.webhooks?.ensure(url, signal);
    expect(report?.changes).toEqual([
      'deleted a second order.created (50)',
      'recreated order.updated: had another address',
      'deleted product.updated (51): not needed',
    ]);
    expect(report?.webhooks.length).toBe(4);
  });

  test('a changed secret, which the shop never shows, makes new webhooks', async () => {
    const list: Hook[] = [];
    const vault = new Map<string, string>();
    await (await scripted(hooks(list), { vault })).channel.webhooks?.ensure(url, signal);
    expect([...vault.values()].join()).not.toMatch(/whsec/);
    const changed = { config: { webhook_secret: ['another', 'whsec_local_0123456789abcdef'] }, vault };
    const { channel, calls } = await scripted(hooks(list), changed);
    const report = await channel.webhooks?.ensure(url, signal);
    expect(report?.changes[0]).toBe(
      'recreated order.created: its secret is not known to be the configured one',
    );
    expect(calls.find(({ method }) => method === 'POST')?.body).toMatchObject({ secret: 'another' });
    expect(list.filter(({ status }) => status === 'active').length).toBe(4);
    expect(report?.webhooks.length).toBe(4);
  });

  test('only our own are removed, for good', async () => {
    const list = [{ ...foreign }];
    const { channel } = await scripted(hooks(list));
    await channel.webhooks?.ensure(url, signal);
    const removed = await channel.webhooks?.remove(signal);
    expect(removed?.length).toBe(4);
    expect(list).toEqual([foreign]);
    expect(await channel.webhooks?.list(signal)).toMatchObject([{ id: '1', ours: false, status: 'active' }]);
  });

  test('without a secret nothing is registered', async () => {
    const { channel, calls } = await scripted(hooks([]), { config: { webhook_secret: undefined } });
    await expect(channel.webhooks?.ensure(url, signal)).rejects.toMatchObject({
      kind: 'rejected',
      hint: expect.stringMatching(/webhook_secret/),
    });
    expect(calls).toEqual([]);
  });
});
