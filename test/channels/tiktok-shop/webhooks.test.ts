import { describe, expect, test } from 'vitest';
import { calm } from '../../kit/stage.ts';
import { type Call, type Reply, type Script, stage } from './scripted-tiktok.ts';

const path = '/event/202309/webhooks';
const url = 'https://sync.example.com/hooks/tiktok/s3gment';

/** The Event API: one address per topic, set by PUT, deleted by DELETE, both with a body. */
function registry(
  hooks: Map<string, string>,
  odd: (call: Call) => Reply | undefined = () => undefined,
): Script {
  return (call) => {
    if (call.path !== path) return undefined;
    const reply = odd(call);
    if (reply !== undefined) return reply;
    const topic = String(call.body['event_type']);
    if (call.method === 'PUT') hooks.set(topic, String(call.body['address']));
    if (call.method === 'DELETE') hooks.delete(topic);
    const webhooks = [...hooks].map(([event_type, address]) => ({ event_type, address, create_time: 1 }));
    return { data: call.method === 'GET' ? { total_count: webhooks.length, webhooks } : {} };
  };
}

describe('webhooks', () => {
  test('are set per topic by signed bodies, read back, and left alone the second time', async () => {
    const hooks = new Map<string, string>();
    const { channel, asked, reopen } = await stage(registry(hooks));
    const report = await channel.webhooks?.ensure(url, calm);
    expect(report?.changes).toContain('created ORDER_STATUS_CHANGE');
    expect(report?.webhooks.map(({ topic }) => topic)).toEqual([
      'ORDER_STATUS_CHANGE',
      'CANCELLATION_STATUS_CHANGE',
      'RETURN_STATUS_CHANGE',
      'SELLER_DEAUTHORIZATION',
      'UPCOMING_AUTHORIZATION_EXPIRATION',
      'PRODUCT_STATUS_CHANGE',
      'PRODUCT_CREATION',
      'INVENTORY_STATUS_CHANGE',
    ]);
    expect(asked(path).filter(({ method }) => method === 'PUT').length).toBe(8);
    expect(await reopen().webhooks?.ensure(url, calm)).toEqual({ webhooks: report?.webhooks, changes: [] });
    expect(await channel.webhooks?.list(calm)).toEqual(report?.webhooks);
  });

  test('move from an old address of ours, and are taken back without those of others', async () => {
    const hooks = new Map([
      ['ORDER_STATUS_CHANGE', 'https://old.example.com/hooks/tiktok/s3gment'],
      ['PACKAGE_UPDATE', 'https://other.example.com/hooks/tiktok-2/x'],
      ['PRODUCT_CREATION', 'https://other.example.com/in'],
    ]);
    const { channel } = await stage(registry(hooks));
    const report = await channel.webhooks?.ensure(url, calm);
    expect(report?.changes[0]).toBe('moved ORDER_STATUS_CHANGE to this address');
    expect(hooks.get('PRODUCT_CREATION')).toBe('https://other.example.com/in');
    expect((await channel.webhooks?.remove(calm))?.length).toBe(7);
    expect([...hooks.keys()]).toEqual(['PACKAGE_UPDATE', 'PRODUCT_CREATION']);
    expect(await channel.webhooks?.remove(calm)).toEqual([]);
  });

  test('that TikTok takes but does not list are a failure and not silence', async () => {
    const script = registry(new Map(), ({ method }) =>
      method === 'GET' ? { data: { total_count: 0 } } : undefined,
    );
    const { channel } = await stage(script);
    await expect(channel.webhooks?.ensure(url, calm)).rejects.toMatchObject({
      kind: 'rejected',
      hint: expect.stringMatching(/Partner Center/),
    });
  });

  test('go on without a topic that is not offered, unless sales need it', async () => {
    const without = (topic: string) =>
      registry(new Map(), ({ method, body }) =>
        method === 'PUT' && body['event_type'] === topic
          ? { code: 36009023, message: 'unknown type' }
          : undefined,
      );
    const one = await stage(without('INVENTORY_STATUS_CHANGE'));
    expect((await one.channel.webhooks?.ensure(url, calm))?.webhooks.length).toBe(7);
    const other = await stage(without('ORDER_STATUS_CHANGE'));
    await expect(other.channel.webhooks?.ensure(url, calm)).rejects.toMatchObject({ kind: 'rejected' });
  });

  test.each([
    'http://sync.example.com/hooks/tiktok/x',
    'https://203.0.113.7/hooks/tiktok/x',
    'https://[2001:db8::1]/hooks/tiktok/x',
    'https://sync.example.com:8443/hooks/tiktok/x',
    `https://sync.example.com/hooks/tiktok/${'x'.repeat(250)}`,
  ])('at %s are refused in words before TikTok is asked', async (bad) => {
    const { reopen, deps, calls } = await stage(registry(new Map()));
    deps.baseUrl = null;
    await expect(reopen().webhooks?.ensure(bad, calm)).rejects.toMatchObject({
      kind: 'rejected',
      hint: expect.stringMatching(/https with a domain name/),
    });
    expect(calls).toEqual([]);
  });
});
