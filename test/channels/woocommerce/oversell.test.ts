import { describe, expect, test } from 'vitest';
import type { OversoldOrder } from '../../../src/channels/channel.ts';
import type { Reply } from '../../kit/stage.ts';
import { type Call, scripted, signal } from './scripted-shop.ts';

const order: OversoldOrder = {
  orderId: '53',
  lines: [{ lineKey: '21', channelSku: 'SKU-018', shortfall: 2 }],
  key: 'hold-53',
};

/** One order that remembers what is done to it. */
function shopWith(state: { status: string; meta_data?: { key: string; value: string }[] }): {
  serve: (call: Call) => Reply;
  notes: unknown[];
} {
  const notes: unknown[] = [];
  const serve = ({ method, path, body }: Call): Reply => {
    if (path.endsWith('/notes')) {
      notes.push(body);
      return { status: 201, json: { id: 9 } };
    }
    if (method !== 'GET') Object.assign(state, body);
    return { json: { id: 53, meta_data: [], ...state } };
  };
  return { serve, notes };
}

describe('oversold orders', () => {
  test('holding puts the order on hold with one private note, and a repeat changes nothing', async () => {
    const state = { status: 'processing' };
    const { serve, notes } = shopWith(state);
    const { channel, calls } = await scripted(serve);
    expect(await channel.hold?.(order, signal)).toEqual({ kind: 'done', detail: 'on-hold, with a note' });
    expect(calls[1]).toMatchObject({
      method: 'PUT',
      body: { status: 'on-hold', meta_data: [{ key: '_invsync_oversell', value: 'hold-53' }] },
    });
    expect(notes).toEqual([
      {
        note: 'Oversold: 2 x SKU-018 missing. invsync set this order to on-hold.',
        customer_note: false,
        added_by_user: false,
      },
    ]);
    const before = calls.length;
    expect(await channel.hold?.(order, signal)).toMatchObject({ kind: 'done' });
    expect(calls.slice(before).map(({ method }) => method)).toEqual(['GET']);
  });

  test('cancelling is done once: a second attempt finds the order cancelled and does not restock again', async () => {
    const { serve } = shopWith({ status: 'on-hold' });
    const { channel, calls } = await scripted(serve);
    expect(await channel.cancel?.(order, signal)).toEqual({ kind: 'done', detail: 'cancelled, with a note' });
    expect(await channel.cancel?.(order, signal)).toEqual({ kind: 'done', detail: 'was cancelled already' });
    expect(calls.filter(({ method }) => method === 'PUT').length).toBe(1);
  });

  test('after a cancel without an answer the next attempt waits as long as PHP may still work', async () => {
    const { serve } = shopWith({ status: 'processing' });
    const { channel } = await scripted((call) => (call.method === 'PUT' ? { hangUp: true } : serve(call)));
    expect(await channel.cancel?.(order, signal)).toMatchObject({
      kind: 'retry',
      afterMs: channel.capabilities.maxExecutionMs,
    });
  });

  test.each([
    ['hold', 'completed'],
    ['hold', 'pending'],
    ['hold', 'cancelled'],
    ['cancel', 'completed'],
    ['cancel', 'refunded'],
    ['cancel', 'trash'],
  ] as const)('%s of a %s order is refused and nothing is written', async (verb, status) => {
    const { channel, calls } = await scripted(shopWith({ status }).serve);
    expect(await channel[verb]?.(order, signal)).toMatchObject({ kind: 'refused' });
    expect(calls.map(({ method }) => method)).toEqual(['GET']);
  });

  test('what a person changed back after us is left alone', async () => {
    const meta = [{ key: '_invsync_oversell', value: 'hold-53' }];
    const { channel, calls } = await scripted(shopWith({ status: 'processing', meta_data: meta }).serve);
    expect(await channel.hold?.(order, signal)).toMatchObject({ kind: 'refused' });
    expect(calls.length).toBe(1);
  });

  test('a note that cannot be written does not undo the hold', async () => {
    const { serve } = shopWith({ status: 'processing' });
    const { channel } = await scripted((call) =>
      call.path.endsWith('/notes') ? { status: 500, text: 'x' } : serve(call),
    );
    expect(await channel.hold?.(order, signal)).toMatchObject({
      kind: 'done',
      detail: expect.stringMatching(/note was not written/),
    });
  });
});
