import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { iso } from '../clock.ts';
import { AppError, EXIT, messageOf } from '../errors.ts';
import { type PlanLine, planFromJson, type SavedPlan } from '../sync/plan.ts';
import type { Books } from './books.ts';

/** A plan to apply or to look at, and whether the books keep it under its id. */
export interface FoundPlan {
  plan: SavedPlan;
  kept: 'store' | 'file';
}

/** The plan of a run. Lines without anything to do belong to it: a plan of the whole channel is what a start waits for. */
export function planOf(
  run: { plan_id: string; lines: PlanLine[] },
  cause: SavedPlan['cause'],
  now: number,
): SavedPlan {
  return { plan_id: run.plan_id, created_at: iso(now), cause, lines: run.lines };
}

/** Writes a plan for `--out`. Throws AppError `no_file`. */
export function writePlan(cwd: string, file: string, plan: SavedPlan): void {
  try {
    writeFileSync(resolve(cwd, file), `${JSON.stringify(plan, null, 2)}\n`);
  } catch (error) {
    throw new AppError('no_file', `cannot write ${file}: ${messageOf(error)}`, { exitCode: EXIT.usage });
  }
}

/** Keeps the plan of a dry run, so that its id can be applied. */
export async function keepPlan(books: Books, plan: SavedPlan): Promise<void> {
  const { duties } = books.store;
  if ((await duties.plan(plan.plan_id)) !== null) return;
  const createdAt = Date.parse(plan.created_at);
  await duties.savePlan({
    id: plan.plan_id,
    createdAt,
    cause: 'dry-run',
    state: 'open',
    body: plan,
  });
}

/** The plan that `named` means: a file, or the id of a saved one. Throws AppError `unknown_plan`, `bad_plan`, `plan_closed`. */
export async function findPlan(cwd: string, books: Books, named: string): Promise<FoundPlan> {
  const row = await books.store.duties.plan(named);
  if (row === null) return { plan: readPlan(cwd, named), kept: 'file' };
  if (row.state !== 'open') {
    throw new AppError('plan_closed', `plan ${named} is ${row.state} already`, {
      hint: 'make a new one: invsync reconcile --dry-run',
    });
  }
  if (row.cause === 'command') {
    throw new AppError('bad_plan', `plan ${named} is of a command that a brake held`, {
      hint: 'repeat that command with --over-brake',
      exitCode: EXIT.usage,
    });
  }
  return { plan: parsePlan(row.body, named), kept: 'store' };
}

function readPlan(cwd: string, named: string): SavedPlan {
  const path = resolve(cwd, named);
  if (!existsSync(path)) {
    throw new AppError('unknown_plan', `"${named}" is neither a saved plan nor a file`, {
      hint: 'make one: invsync reconcile --dry-run --out plan.json',
      exitCode: EXIT.usage,
    });
  }
  try {
    return parsePlan(JSON.parse(readFileSync(path, 'utf8')), named);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('bad_plan', `${named} cannot be read as a plan: ${messageOf(error)}`, {
      exitCode: EXIT.usage,
    });
  }
}

function parsePlan(body: unknown, named: string): SavedPlan {
  try {
    return planFromJson(body);
  } catch {
    throw new AppError('bad_plan', `${named} is not a plan of reconcile`, {
      hint: 'a plan is what invsync reconcile --dry-run --out writes, or the document that it prints with --json',
      exitCode: EXIT.usage,
    });
  }
}
