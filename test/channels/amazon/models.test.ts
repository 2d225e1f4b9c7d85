import { describe, expect, test } from 'vitest';
import { operations } from '../../../src/channels/amazon/operations.ts';
import {
  againstSchema,
  hasModels,
  publishedRate,
  readSchemaFile,
  requestFaults,
  sandboxAnswers,
} from './models.ts';
import { germany, orderChange } from './scripted-amazon.ts';

describe.skipIf(!hasModels)('the official models as judge (needs the shared material)', () => {
  test('the judge passes the documents that Amazon itself gives as examples', () => {
    expect(
      againstSchema(
        'feeds/listings-feed-schema-v2.json',
        readSchemaFile('feeds/listings-feed-schema-v2.example.json'),
      ),
    ).toEqual([]);
    expect(sandboxAnswers('searchOrders').length).toBeGreaterThan(0);
  });

  test('the judge finds a wrong word, a missing field, an unknown parameter and an unknown operation', () => {
    const path = '/listings/2021-08-01/items/A1/SKU';
    const query = new URLSearchParams({ marketplaceIds: germany });
    const good = {
      method: 'PATCH',
      path,
      query,
      json: { productType: 'PRODUCT', patches: [{ op: 'merge', path: '/a' }] },
    };
    expect(requestFaults(good)).toEqual([]);
    expect(requestFaults({ ...good, json: { patches: [{ op: 'mend', path: '/a' }] } }).length).toBe(2);
    expect(requestFaults({ ...good, query: new URLSearchParams({ marketplaceId: germany }) }).length).toBe(2);
    expect(requestFaults({ ...good, path: '/listings/2020-01-01/items/A1/SKU' }).length).toBe(1);
  });

  test('our notifications are those of the official schema', () => {
    for (const status of ['Pending', 'Unshipped', 'Canceled'])
      expect(againstSchema('notifications/OrderChangeNotification.json', orderChange({ status }))).toEqual(
        [],
      );
    expect(
      againstSchema('notifications/OrderChangeNotification.json', orderChange({ status: 'CANCELLED' })),
    ).not.toEqual([]);
  });

  test('each operation is paced by the rate and burst that its model publishes', () => {
    const published = Object.keys(operations).map((name) => [name, publishedRate(name)] as const);
    const told = published.filter(([, rate]) => rate !== null);
    expect(told.length).toBeGreaterThan(12);
    for (const [name, rate] of told) {
      const { rate: ours, burst } = operations[name as keyof typeof operations];
      expect.soft({ name, rate: ours, burst }).toEqual({ name, ...rate });
    }
  });
});
