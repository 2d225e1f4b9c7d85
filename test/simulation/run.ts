import { importCatalogue } from '../../src/sync/catalogue.ts';
import { checkEverything } from './checks.ts';
import { openMail } from './mail.ts';
import { checkQuietCounters } from './quiet.ts';
import { calmDown, dutyRound, settleDown } from './settle.ts';
import { runReconcile, takeStep } from './steps.ts';
import { makeWorld, traceHash, type World } from './world.ts';

/** What a seed's run brought. `failures` is empty when everything held. */
export interface SimOutcome {
  seed: number;
  hash: string;
  failures: string[];
  trace: string[];
}

const by = { by: 'merchant', reason: null };

/** Runs the world of a seed from its first count until the dust has settled, and checks it. */
export async function simulate(seed: number): Promise<SimOutcome> {
  const world = await makeWorld(seed);
  try {
    await open(world);
    for (let step = 0; step < world.scenario.steps && world.failures.length === 0; step += 1)
      await takeStep(world);
    if (world.failures.length === 0) await close(world);
  } catch (error) {
    world.fail(`the simulation broke: ${error instanceof Error ? error.stack : String(error)}`);
  }
  const outcome = { seed, hash: traceHash(world), failures: world.failures, trace: world.trace };
  await world.close();
  return outcome;
}

async function open(world: World): Promise<void> {
  const { store, engine } = world.process;
  openMail(world);
  for (const { code, start, counted } of world.scenario.skus) {
    const asOf = world.clock.now();
    if (!counted) {
      await store.listings.createSku(code, by, asOf);
      continue;
    }
    const one = { sku: code, kind: 'count' as const, quantity: start, basis: 'free' as const, asOf };
    await store.stock.change([{ ...one, create: true, ref: null, presumeGoneMs: {} }], by, asOf);
  }
  for (const live of engine.channels.values()) {
    await world.drive(importCatalogue(engine, live, () => undefined, new AbortController().signal));
    for (const view of await store.outbox.page(live.id, 0, 1_000))
      world.counters.set(view.counterId, { channel: live.name, counterKey: view.counterKey });
  }
  await world.clock.advance(10);
  await world.drive(runReconcile(world));
  await world.clock.advance(10_000);
  world.calm = false;
  world.say('--- the day begins');
}

async function close(world: World): Promise<void> {
  await calmDown(world);
  for (let round = 0; round < 3; round += 1) {
    await dutyRound(world);
    await world.clock.advance(60_000);
  }
  await checkQuietCounters(world);
  await settleDown(world);
  await checkEverything(world);
}

/**
 * For people: what failed, the steps that led there, and the command that repeats it. INVSYNC_SIM_TRACE=1 prints the
 * whole story.
 */
export function report({ seed, failures, trace }: SimOutcome): string {
  const first = trace.findIndex((line) => line.includes('VIOLATION'));
  const steps = process.env['INVSYNC_SIM_TRACE'] === undefined ? trace.slice(Math.max(0, first - 40), first + 1) : trace;
  return [
    `seed ${seed}:`,
    ...failures.slice(0, 8).map((failure) => `  ✗ ${failure}`),
    '  the last steps:',
    ...steps.map((line) => `    ${line}`),
    `  repeat with: INVSYNC_SIM_SEED=${seed} npx vitest run test/simulation`,
  ].join('\n');
}
