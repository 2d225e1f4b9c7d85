import { beforeEach, describe, expect, test } from 'vitest';
import { ChannelError, stopped } from '../../src/channels/errors.ts';
import { calmLog } from '../../src/cli/log-calm.ts';
import { prettyLine } from '../../src/cli/log-pretty.ts';
import { createLog } from '../../src/log.ts';
import { createAlertUpkeep, openAlert } from '../../src/sync/alerts.ts';
import { unanswered } from '../../src/sync/contact.ts';
import { createStandings } from '../../src/sync/duties/standings.ts';
import type { Duty, Engine } from '../../src/sync/engine.ts';
import { createIngest } from '../../src/sync/inbound/ingest.ts';
import { createPoll } from '../../src/sync/inbound/poll.ts';
import { createPusher } from '../../src/sync/outbound/push.ts';
import { reconcile } from '../../src/sync/reconcile/reconcile.ts';
import { sentenceOf } from '../../src/sync/reconcile/result.ts';
import { by, fakeClock, makeWorld, settle, type World } from './world.ts';

const minute = 60_000;

describe('the log of a night', () => {
  let world: World;
  let engine: Engine;
  let flush: () => void;
  let lines: string[];
  const texts = () => lines.map((line) => prettyLine(line, { color: false }).slice(9).trimEnd());
  const saying = (words: string) => texts().filter((text) => text.includes(words));

  beforeEach(async () => {
    world = await makeWorld();
    lines = [];
    const log = calmLog(
      createLog('info', (line) => lines.push(line)),
      world.clock,
    );
    engine = { ...world.engine, log };
    flush = log.flush;
    await world.stock('MUG', 3);
  });

  async function during(duties: Duty[], work: () => Promise<void>): Promise<void> {
    for (const duty of duties) duty.start();
    await work();
    const stopping = Promise.all(duties.map((duty) => duty.stop()));
    await settle();
    await stopping;
  }

  test('says once that a shop gives no answer, once that it is stale, and once that it is back', async () => {
    await during([createPoll(engine), createAlertUpkeep(engine)], async () => {
      await world.clock.advance(2 * minute);
      expect(lines).toEqual([]);
      world.platform('shop').faults.arm('error', { on: 'any', count: null });
      await world.clock.advance(90 * minute);
      world.platform('shop').faults.clear();
      await world.clock.advance(20 * minute);
    });
    expect(saying('gives no good answer')).toEqual([expect.stringMatching(/^WARN {2}shop: gives no good/)]);
    expect(saying('answers again')).toEqual([
      expect.stringMatching(/^INFO {2}shop: answers again {2}after=1h$/),
    ]);
    expect(texts().length).toBeLessThan(10);
  });

  test('names a few of many oversells and counts the others', async () => {
    for (let n = 0; n < 40; n += 1) {
      const order = world.platform('shop').sell({ lines: [{ ref: 'MUG', quantity: 5 }], force: true });
      await world.deliver('shop', world.platform('shop').hookForOrder(order?.id ?? ''));
    }
    await createIngest(engine).runUntilIdle();
    await during([createAlertUpkeep(engine)], () => world.clock.advance(5 * minute));
    const told = saying('more of MUG than there is');
    expect(told).toHaveLength(6);
    expect(told.at(-1)).toMatch(/\(and 34 more of the kind within 1m\)$/);
    expect(lines).toHaveLength(6);
  });

  test('tells what a run found in one sentence, whatever the number of listings', async () => {
    const pusher = createPusher(engine);
    await world.stock('TEA', 4);
    const run = () =>
      reconcile(
        engine,
        { pusher },
        { channels: null, skus: null, dryRun: false, waitMs: 0 },
        new AbortController().signal,
      );
    await run();
    await pusher.runUntilIdle();
    expect(sentenceOf(await run())).toBe('reconciled 1 channel, 2 listings: all as it should be');
    world.platform('shop').set('MUG', 9);
    expect(sentenceOf(await run())).toBe('reconciled 1 channel, 2 listings: 1 too high, lowered');
    world.platform('shop').faults.arm('error', { on: 'any', count: null });
    expect(sentenceOf(await run())).toMatch(
      /^reconciled 0 channels, 0 listings: all as it should be; not shop: /,
    );
    expect(saying('reconciled')).toEqual([]);
  });

  test('has a line for each pause, resume and mode that a command brings about', async () => {
    await during([createStandings(engine)], async () => {
      await world.clock.advance(5_000);
      await world.store.channels.pause('shop', true, by, world.clock.now());
      await world.clock.advance(5_000);
      await world.store.channels.pause('shop', false, by, world.clock.now());
      await world.clock.advance(5_000);
    });
    expect(texts()).toEqual([
      'INFO  shop: paused by hand (mode live)  before=mode live',
      'INFO  shop: mode live  before=paused by hand (mode live)',
    ]);
  });

  test('repeats nothing for ever: what goes on is told with its count at growing rests, an hour at most', async () => {
    for (let second = 0; second < 6 * 3_600; second += 10) {
      engine.log.warn({ channel: 'shop' }, 'still the same');
      engine.log.warn({ channel: 'other' }, 'still the same');
      await world.clock.advance(10_000);
    }
    const told = saying('shop: still the same');
    expect(told.length).toBeLessThan(14);
    const counted = told.map((text) => Number(/and (\d+) more/.exec(text)?.[1] ?? 0));
    flush();
    const last = Number(/and (\d+) more/.exec(saying('shop: still the same').at(-1) ?? '')?.[1] ?? 0);
    const shown = told.length + (saying('shop: still').length - told.length);
    expect(counted.reduce((sum, each) => sum + each, last) + shown).toBe(6 * 360);
    expect(saying('other: still the same').length).toBe(shown);
  });

  test('calls no channel failing for a call that was called off because we stop', async () => {
    await unanswered(engine, world.live('shop'), stopped());
    expect((await world.store.channels.list())[0]).toMatchObject({ failingSince: null, lastError: null });
    expect(lines).toEqual([]);
    await unanswered(engine, world.live('shop'), new ChannelError('retry', 'HTTP 503'));
    expect((await world.store.channels.list())[0]).toMatchObject({ lastError: 'HTTP 503' });
  });

  test('tells a line that came twice once more, without a count', async () => {
    engine.log.info({ channel: 'shop' }, 'twice');
    engine.log.info({ channel: 'shop' }, 'twice');
    flush();
    expect(texts()).toEqual(['INFO  shop: twice', 'INFO  shop: twice']);
  });

  test('loses no line that says something else', async () => {
    await openAlert(engine, { channelId: null, kind: 'disk', subject: 'data', message: 'nearly full' });
    engine.log.info({}, 'one');
    engine.log.info({}, 'two');
    expect(texts()).toEqual(['ERROR nearly full', 'INFO  one', 'INFO  two']);
  });
});

describe('a line of the log on a terminal', () => {
  test('is time, level, channel and sentence, then the facts; nothing in it steers the terminal', () => {
    const clock = fakeClock();
    const lines: string[] = [];
    createLog('info', (line) => lines.push(line)).warn(
      { channel: 'shop', error: 'HTTP 503\u001b[2J', none: null },
      'gives no good answer',
    );
    expect(clock.sleepers()).toBe(0);
    expect(prettyLine(lines[0] ?? '', { color: false })).toMatch(
      /^\d\d:\d\d:\d\d WARN {2}shop: gives no good answer {2}error=HTTP 503 \[2J\n$/,
    );
    expect(prettyLine(lines[0] ?? '', { color: true })).toContain('\u001b[33m');
    expect(prettyLine('not JSON\n', { color: false })).toBe('not JSON\n');
  });
});
