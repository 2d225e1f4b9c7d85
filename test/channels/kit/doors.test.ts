import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { channelTypes } from '../../../src/channels/registry.ts';
import { type Call, calm, failure, type Reply, type Stage, stageOf } from '../../kit/stage.ts';
import type { Door } from './door.ts';

/** Each adapter at its own scripted platform: what the kit promises holds for all of them alike. */
const doors: Door[] = [];
const here = join(import.meta.dirname, '..');
for (const type of readdirSync(here))
  for (const file of readdirSync(join(here, type)).filter((name) => name.startsWith('scripted-'))) {
    const { door } = (await import(join(here, type, file))) as { door?: Door };
    if (door !== undefined) doors.push(door);
  }

test('every adapter has a door', async () => {
  const types = channelTypes.filter((type) => type !== 'memory');
  expect(doors.map(({ type }) => type).sort()).toEqual([...types].sort());
});

function configOf({ config }: Door): Record<string, unknown> {
  return typeof config === 'function' ? config('http://127.0.0.1:1') : config;
}

/** Opens a door; `script` goes before the good answers. */
function at(door: Door, script: (call: Call, stage: () => Stage) => Reply | undefined): Promise<Stage> {
  let opened: Stage | null = null;
  const stage = () => {
    if (opened === null) throw new Error('not open yet');
    return opened;
  };
  const lifeSeconds = 3_600;
  const grant = (call: Call) =>
    door.tokens?.isGrant(call) ? door.tokens.grant('token-0', lifeSeconds, stage().now()) : undefined;
  return stageOf(
    door.definition,
    door.config,
    (call) => script(call, stage) ?? door.good(call) ?? grant(call),
  ).then((made) => {
    opened = made;
    return made;
  });
}

describe.each(doors.filter(({ tokens }) => tokens !== null))('the tokens of $type', (door) => {
  const tokens = door.tokens as NonNullable<Door['tokens']>;
  const grants = (stage: Stage) => stage.calls.filter(tokens.isGrant);
  /** Grants count their tokens up; `life` may be changed. */
  const counting = async (life = { seconds: 3_600 }, valid: { from: number } = { from: 0 }) => {
    let granted = 0;
    const stage = await at(door, (call, opened) => {
      if (tokens.isGrant(call)) {
        granted += 1;
        return tokens.grant(`token-${granted}`, life.seconds, opened().now());
      }
      const used = Number(/\d+$/.exec(tokens.tokenIn(call) ?? '')?.[0]);
      return used < valid.from ? tokens.refused : undefined;
    });
    return { stage, life, valid };
  };

  test('are asked for once for all who wait', async () => {
    const { stage } = await counting();
    await Promise.all([1, 2, 3].map(() => stage.channel.identity(calm)));
    expect(grants(stage)).toHaveLength(1);
  });

  test('are renewed before they end, and a failure of that passes while the old one holds', async () => {
    let isDown = false;
    let granted = 0;
    const stage = await at(door, (call, opened) => {
      if (!tokens.isGrant(call)) return undefined;
      if (isDown) return { status: 500, text: 'down' };
      granted += 1;
      return tokens.grant(`token-${granted}`, 3_600, opened().now());
    });
    await stage.channel.identity(calm);
    isDown = true;
    stage.pass(3_580_000);
    await stage.channel.identity(calm);
    expect(granted).toBe(1);
    stage.pass(61_000);
    expect((await failure(stage.channel.identity(calm))).kind).toBe('retry');
    isDown = false;
    await stage.channel.identity(calm);
    expect(granted).toBe(2);
  });

  test('that are refused are renewed exactly once, and the request goes again', async () => {
    const { stage, valid } = await counting();
    await stage.channel.identity(calm);
    valid.from = 2;
    await stage.channel.identity(calm);
    expect(grants(stage)).toHaveLength(2);
    valid.from = 99;
    const refused = await failure(stage.channel.identity(calm));
    expect(refused.kind).toBe('auth');
    expect(refused.hint).not.toBe('');
    expect(grants(stage)).toHaveLength(3);
  });

  test('outlive a restart in the vault, with their end as a point in time; other credentials do not get them', async () => {
    const { stage } = await counting();
    await stage.channel.identity(calm);
    await stage.reopen().identity(calm);
    expect(grants(stage)).toHaveLength(1);
    stage.pass(3_700_000);
    await stage.reopen().identity(calm);
    expect(grants(stage)).toHaveLength(2);
    const secret = door.credential ?? Object.keys(configOf(door)).find((key) => /secret/.test(key)) ?? '';
    await stage.reopen({ [secret]: 'another-secret-0123456789' }).identity(calm);
    expect(grants(stage)).toHaveLength(3);
  });

  test('that nobody gives stop the channel with a remedy; a platform that is down or busy does not', async () => {
    let reply: Reply = tokens.denied;
    const stage = await at(door, (call) => (tokens.isGrant(call) ? reply : undefined));
    const denied = await failure(stage.channel.identity(calm));
    expect(denied.kind).toBe('auth');
    expect(denied.hint).not.toBe('');
    for (const value of Object.entries(configOf(door)).filter(([key]) => /secret|refresh_token$/.test(key)))
      expect(denied.message).not.toContain(value[1]);
    reply = { status: 500, text: 'down' };
    expect((await failure(stage.reopen().identity(calm))).kind).toBe('retry');
    reply = { hangUp: true };
    expect((await failure(stage.reopen().identity(calm))).kind).toBe('retry');
    reply = { status: 429, headers: { 'retry-after': '30' }, text: '' };
    const busy = await failure(stage.reopen().identity(calm));
    expect([busy.kind, busy.afterMs]).toEqual(['throttled', 30_000]);
  });

  test('that cannot be had leave a push unsent and not in doubt', async () => {
    const stage = await at(door, (call) => (tokens.isGrant(call) ? { hangUp: true } : undefined));
    const [outcome] = await stage.channel.setStock([door.line], calm);
    expect(outcome?.kind).toBe('retry');
  });
});

describe.each(doors)('the answers of $type', (door) => {
  test('that ask for patience are obeyed by the platform’s own clock, in seconds and as a date', async () => {
    let headers: Record<string, string> = { 'retry-after': '45' };
    const stage = await at(door, (call) => (door.tokens?.isGrant(call) ? undefined : door.limited(headers)));
    expect(await failure(stage.channel.readStock([door.line], calm))).toMatchObject({
      kind: 'throttled',
      afterMs: 45_000,
    });
    stage.pass(3_600_000);
    stage.platform.aheadMs = 240_000;
    const until = stage.now() + stage.platform.aheadMs + 50_000;
    headers = { 'retry-after': new Date(until).toUTCString() };
    const { kind, afterMs = 0 } = await failure(stage.reopen().readStock([door.line], calm));
    expect(kind).toBe('throttled');
    expect(Math.abs(afterMs - 50_000)).toBeLessThanOrEqual(1_000);
  });

  test('become outcomes that lose neither hint nor time', async () => {
    let reply: Reply = {};
    const stage = await at(door, (call) => (door.isWrite(call) ? reply : undefined));
    const outcome = async (given: Reply) => {
      reply = given;
      stage.pass(3_600_000);
      return (await stage.reopen().setStock([door.line], calm))[0];
    };
    expect(await outcome(door.limited({ 'retry-after': '45' }))).toMatchObject({
      kind: 'throttled',
      afterMs: 45_000,
    });
    const forbidden = await outcome({ status: 403, json: {} });
    if (forbidden?.kind === 'auth') expect(forbidden.error).toMatch(/\. \S/);
    else expect(forbidden?.kind).toMatch(/retry|rejected/);
    expect((await outcome({ hangUp: true }))?.kind).toBe('unknown');
    expect((await outcome({ status: 500, text: 'down' }))?.kind).toBe('unknown');
  });

  test('that never came to the read before a write leave nothing in doubt', async () => {
    const stage = await at(door, (call) =>
      door.isWrite(call) || door.tokens?.isGrant(call) ? undefined : { hangUp: true },
    );
    const [outcome] = await stage.channel.setStock([door.line], calm);
    // A platform that compares by itself is not read before.
    const wrote = stage.calls.some(door.isWrite);
    expect(outcome?.kind).toBe(wrote ? 'applied' : 'retry');
  });

  test('are not waited for by who is stopped beforehand, and nothing is sent', async () => {
    const stage = await at(door, () => undefined);
    expect((await failure(stage.channel.identity(AbortSignal.abort()))).kind).toBe('retry');
    expect(stage.calls).toEqual([]);
  });
});
