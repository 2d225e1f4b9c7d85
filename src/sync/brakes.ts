import type { BrakeChange, ChannelRow } from '../store/store.ts';
import { closeAlert, openAlert } from './alerts.ts';
import type { Engine } from './engine.ts';
import { type PlanLine, planFromJson, type SavedPlan } from './plan.ts';

/** What judging and holding needs of an engine: a command without channels has it too. */
export type BrakeGround = Pick<Engine, 'store' | 'clock' | 'log' | 'randomHex'>;

/** What becomes of a channel's brake, with the reason in words. */
export interface BrakeWish {
  reason: string;
  /** What is held now; null: the plan stays as it is. */
  lines: PlanLine[] | null;
  /** Lines of the open plan that are still held, by counter. */
  keep: ReadonlySet<number>;
  hold: BrakeChange['hold'];
  release: BrakeChange['release'];
  pass: BrakeChange['pass'];
}

/**
 * Holds and releases, keeps the channel's one brake plan in step, and opens or closes its alert. Answers the plan's
 * id while the brake is closed.
 */
export async function setBrake(
  ground: BrakeGround,
  row: ChannelRow,
  wish: BrakeWish,
): Promise<string | null> {
  const { store, clock } = ground;
  const now = clock.now();
  const open = wish.lines === null ? [] : await openLines(ground, row, wish.keep);
  const lines = wish.lines === null ? null : [...wish.lines, ...open];
  const planId = row.brakePlan ?? ground.randomHex(4);
  const id = await store.outbox.brake(row.id, {
    hold: wish.hold,
    release: wish.release,
    pass: wish.pass,
    plan: lines === null ? null : { id: planId, createdAt: now, body: bodyOf(planId, now, lines) },
  });
  if (id === null) {
    await closeAlert(ground, 'brake', row.name);
    return null;
  }
  if (lines === null) return id;
  const goOn = `invsync reconcile --apply ${id} --over-brake`;
  const message = `${row.name}: ${wish.reason}; raises and unexplained zeros are held as plan ${id}. To let them go: ${goOn}`;
  await openAlert(ground, { channelId: row.id, kind: 'brake', subject: row.name, message });
  return id;
}

function bodyOf(id: string, now: number, lines: PlanLine[]): SavedPlan {
  return { plan_id: id, created_at: new Date(now).toISOString(), cause: 'brake', lines };
}

/** Lines of the channel's open plan whose counters are still held and were not looked at now. */
async function openLines(
  ground: BrakeGround,
  row: ChannelRow,
  keep: ReadonlySet<number>,
): Promise<PlanLine[]> {
  if (row.brakePlan === null || keep.size === 0) return [];
  const plan = await ground.store.duties.plan(row.brakePlan);
  if (plan === null) return [];
  return planFromJson(plan.body).lines.filter(
    (line) => line.channel === row.name && keep.has(line.counter_id),
  );
}
