import { asFields, asList, type Fields } from './php.ts';
import { RestProblem, wooProblem } from './problem.ts';
import type { RestCall, RestResult } from './request.ts';

const LIMIT = 100;

export interface BatchActs {
  create(row: Fields): unknown | Promise<unknown>;
  update(row: Fields): unknown | Promise<unknown>;
  remove(id: unknown): unknown | Promise<unknown>;
  /** Called once half of the rows are done; true breaks off, as a gateway's time-out does. */
  breaksOff(): boolean;
}

/** A batch was cut in the middle; what was done stays done. */
export class BrokenOff extends Error {}

/** Row by row, without a transaction, 200 even when all fail (WOO-O.3). */
export async function runBatch(call: RestCall, acts: BatchActs): Promise<RestResult> {
  const steps = {
    create: (row) => acts.create(asFields(row)),
    update: (row) => acts.update(asFields(row)),
    delete: (id) => acts.remove(id),
  } satisfies Record<string, (row: unknown) => unknown>;
  const parts = Object.entries(steps).map(([name, act]) => ({ name, act, rows: asList(call.body[name]) }));
  const total = parts.reduce((sum, { rows }) => sum + rows.length, 0);
  if (total > LIMIT) {
    throw wooProblem(
      'request_entity_too_large',
      `Unable to accept more than ${LIMIT} items for this request.`,
      413,
    );
  }
  const breakAt = total > 0 && acts.breaksOff() ? Math.floor(total / 2) : total + 1;
  const answer: Fields = {};
  let done = 0;
  for (const { name, act, rows } of parts) {
    const answers: unknown[] = [];
    for (const row of rows) {
      if (done === breakAt) throw new BrokenOff();
      answers.push(await rowOutcome(name, row, act));
      done += 1;
    }
    if (rows.length > 0) answer[name] = answers;
  }
  return { status: 200, body: answer };
}

async function rowOutcome(name: string, row: unknown, act: (row: unknown) => unknown): Promise<unknown> {
  try {
    return await act(row);
  } catch (error) {
    if (!(error instanceof RestProblem)) throw error;
    const id = name === 'create' ? 0 : name === 'delete' ? row : (asFields(row)['id'] ?? null);
    return { id, error: error.body() };
  }
}
