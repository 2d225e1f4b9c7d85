import { describe, expect, test } from 'vitest';
import type { Webhooks } from '../../../src/channels/channel.ts';
import { calm } from '../../kit/stage.ts';
import { channelAt, type Received, type Reply, startShop } from './scripted-shop.ts';

const url = 'https://sync.example.com/hooks/main-shop/s3cret';

interface Hook {
  id: string;
  topic: string;
  uri: string;
  format: string;
  filter: string;
  includeFields: string[];
}

/** A shop that keeps subscriptions as the documents ask it to. */
async function shopWith(hooks: Hook[], over: { create?: Reply } = {}): Promise<Webhooks> {
  const created = ({ variables }: Received): Reply => {
    if (over.create !== undefined) return over.create;
    const sub = variables['sub'] as Partial<Hook>;
    hooks.push({
      id: `new-${hooks.length}`,
      filter: '',
      includeFields: [],
      uri: '',
      format: 'JSON',
      ...sub,
      topic: String(variables['topic']),
    });
    return { data: { webhookSubscriptionCreate: { webhookSubscription: { id: 'x' }, userErrors: [] } } };
  };
  const shop = await startShop({
    Hooks: () => ({
      data: { webhookSubscriptions: { nodes: hooks, pageInfo: { hasNextPage: false, endCursor: null } } },
    }),
    HookCreate: created,
    HookUpdate: ({ variables }) => {
      const hook = hooks.find(({ id }) => id === variables['id']);
      if (hook !== undefined) Object.assign(hook, variables['sub']);
      return { data: { webhookSubscriptionUpdate: { webhookSubscription: { id: 'x' }, userErrors: [] } } };
    },
    HookDelete: ({ variables }) => {
      hooks.splice(
        hooks.findIndex(({ id }) => id === variables['id']),
        1,
      );
      return { data: { webhookSubscriptionDelete: { deletedWebhookSubscriptionId: 'x', userErrors: [] } } };
    },
  });
  const { webhooks } = channelAt(shop.url);
  if (webhooks === undefined) throw new Error('no webhooks');
  return webhooks;
}

const foreign: Hook = {
  id: 'foreign',
  topic: 'ORDERS_CREATE',
  uri: 'https://erp.example.com/shopify',
  format: 'JSON',
  filter: '',
  includeFields: [],
};

describe('subscriptions', () => {
  test('a first registration makes the smallest set of topics, and a second one changes nothing', async () => {
    const hooks = [{ ...foreign }];
    const webhooks = await shopWith(hooks);
    const report = await webhooks.ensure(url, calm);
    expect(report.webhooks.filter((hook) => hook.ours).map((hook) => hook.topic)).toEqual([
      'orders/create',
      'orders/cancelled',
      'orders/edited',
      'refunds/create',
      'inventory_levels/update',
      'inventory_items/update',
      'inventory_items/delete',
      'app/uninstalled',
    ]);
    expect(report.changes).toHaveLength(8);
    expect(hooks.find((hook) => hook.id === 'foreign')).toEqual(foreign);
    expect((await webhooks.ensure(url, calm)).changes).toEqual([]);
  });

  test('order topics ask only for fields without buyer data', async () => {
    const hooks: Hook[] = [];
    const webhooks = await shopWith(hooks);
    await webhooks.ensure(url, calm);
    const fields = hooks.find((hook) => hook.topic === 'ORDERS_CREATE')?.includeFields ?? [];
    expect(fields).toEqual(
      expect.arrayContaining(['id', 'updated_at', 'line_items', 'refunds', 'cancelled_at']),
    );
    expect(fields.join()).not.toMatch(/customer|address|email|phone|note/);
  });

  test('subscriptions that Shopify deleted after an outage are made again', async () => {
    const hooks: Hook[] = [];
    const webhooks = await shopWith(hooks);
    await webhooks.ensure(url, calm);
    hooks.splice(0, 2);
    expect((await webhooks.ensure(url, calm)).changes).toEqual([
      'created orders/create',
      'created orders/cancelled',
    ]);
  });

  test('a double subscription is removed, one at an old address is moved, one with other fields is mended', async () => {
    const hooks: Hook[] = [];
    const webhooks = await shopWith(hooks);
    await webhooks.ensure(url, calm);
    const [first, second, third] = hooks;
    if (first === undefined || second === undefined || third === undefined) throw new Error('no hooks');
    hooks.push({ ...first, id: 'double' });
    second.uri = 'https://old.example.com/hooks/main-shop/s3cret';
    third.filter = 'id:1';
    const { changes, webhooks: after } = await webhooks.ensure(url, calm);
    expect(changes).toEqual([
      'removed a second orders/create',
      'moved orders/cancelled to this address',
      'mended orders/edited: its fields or filter differed',
    ]);
    expect(after.map((hook) => hook.url)).toEqual(Array.from({ length: 8 }, () => url));
  });

  test('"already taken" means that the subscription is there', async () => {
    const webhooks = await shopWith([], {
      create: {
        data: {
          webhookSubscriptionCreate: {
            webhookSubscription: null,
            userErrors: [
              {
                field: ['webhookSubscription', 'uri'],
                message: 'Address for this topic has already been taken',
              },
            ],
          },
        },
      },
    });
    const { changes } = await webhooks.ensure(url, calm);
    expect(changes[0]).toBe('orders/create was there already');
  });

  test('any other refusal is told with what to do', async () => {
    const webhooks = await shopWith([], {
      create: {
        data: {
          webhookSubscriptionCreate: {
            webhookSubscription: null,
            userErrors: [{ field: null, message: 'Address is invalid' }],
          },
        },
      },
    });
    await expect(webhooks.ensure(url, calm)).rejects.toMatchObject({
      kind: 'rejected',
      hint: expect.stringContaining('https'),
    });
  });

  test('remove takes ours away and leaves the others', async () => {
    const hooks = [{ ...foreign }];
    const webhooks = await shopWith(hooks);
    await webhooks.ensure(url, calm);
    expect(await webhooks.remove(calm)).toHaveLength(8);
    expect(hooks).toEqual([foreign]);
  });

  test('a channel whose name begins like ours is not ours', async () => {
    const webhooks = await shopWith([{ ...foreign, uri: 'https://sync.example.com/hooks/main-shop-2' }]);
    expect(await webhooks.list(calm)).toMatchObject([
      { ours: false, topic: 'orders/create', status: 'active' },
    ]);
  });
});
