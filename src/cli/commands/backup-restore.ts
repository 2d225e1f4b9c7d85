import { dropStaging, finishRestore, type RestorePlan, stageRestore } from '../../backup/restore.ts';
import { iso, spanText } from '../../clock.ts';
import { countText, EXIT, type ExitCode } from '../../errors.ts';
import { takeEngineLock } from '../../store/sqlite/lock.ts';
import { answer } from '../answer.ts';
import type { Invocation } from '../command.ts';
import type { Io } from '../io.ts';
import { consent, printLine, printTable } from '../print.ts';
import { backupFile, backupJson } from './backup-list.ts';

/** `invsync backup restore FILE`: no other process that talks to channels may run meanwhile. */
export async function restore(invocation: Invocation<{ yes?: boolean }>): Promise<ExitCode> {
  const { io, json, options } = invocation;
  const file = await backupFile(invocation);
  const { dataDir } = await invocation.booksConfig();
  const lock = takeEngineLock(dataDir);
  try {
    const plan = await stageRestore({ file, dataDir, now: io.now() });
    const document = planJson(plan, io.now());
    await consent(io, {
      yes: options.yes === true,
      json,
      question: 'Put this backup in the place of the books?',
      plan: document,
      show: (to) => showPlan(to, plan),
    });
    finishRestore(dataDir, plan, io.now());
    answer(invocation, { restored: true, ...document, next }, [], (to) => {
      printLine(to, `${plan.database} is restored from ${file}`);
      if (plan.keptAs !== null) printLine(to, `the one before is kept as ${plan.keptAs}`);
      for (const step of next) printLine(to, `next: ${step}`);
    });
    return EXIT.ok;
  } finally {
    dropStaging(dataDir);
    lock.release();
  }
}

const next = [
  'start the daemon (invsync serve): every channel only observes, and all orders since are pulled',
  'enter again what was changed by hand since (invsync stock count, receive, adjust)',
  'look at the plan of each channel and confirm it: invsync channels mode <channel> live',
];

function planJson(plan: RestorePlan, now: number) {
  const { current } = plan;
  const backup = { ...plan, path: plan.file, verified: { at: now, ok: true } };
  return {
    backup: backupJson(backup, now),
    database: plan.database,
    kept_as: plan.keptAs,
    replaces:
      current === null
        ? null
        : { ledger_entry: current.facts.entry, last_entry_at: iso(current.facts.lastEntryAt) },
    orders_since: current?.since.orders ?? null,
    changes_since: current?.since.handCount ?? null,
    changes: (current?.since.byHand ?? []).map(({ at, ...change }) => ({ at: iso(at), ...change })),
  };
}

function showPlan(io: Io, plan: RestorePlan): void {
  const { manifest, current } = plan;
  const age = spanText(io.now() - plan.createdAt);
  const { counts } = manifest;
  printLine(io, `put back   ${plan.file}`);
  printLine(
    io,
    `           made ${manifest.created_at}, ${age} ago: ${countText(counts.skus, 'SKU')}, ${countText(counts.orders, 'order')}`,
  );
  printLine(io, `replaces   ${plan.database}${plan.keptAs === null ? ', which is not there' : ''}`);
  if (plan.keptAs !== null) printLine(io, `kept as    ${plan.keptAs}`);
  if (current === null) {
    if (plan.keptAs !== null) printLine(io, 'since then nobody knows: the database there cannot be read');
    return;
  }
  const { since } = current;
  printLine(
    io,
    `since then ${countText(since.orders, 'order')} came in, which will be pulled again from the channels;`,
  );
  printLine(
    io,
    `           ${countText(since.handCount, 'change')} of stock by hand ${since.handCount === 1 ? 'is' : 'are'} not in the backup, to be entered again`,
  );
  printTable(
    io,
    [
      { title: 'at', value: (row) => iso(row.at) },
      { title: 'sku', value: (row) => row.sku },
      { title: 'what', value: (row) => row.kind },
      { title: 'change', value: (row) => row.delta },
      { title: 'by', value: (row) => row.by },
      { title: 'reason', value: (row) => row.reason },
    ],
    since.byHand,
  );
  if (since.handCount > since.byHand.length)
    printLine(
      io,
      `and ${since.handCount - since.byHand.length} older ones: invsync export ledger --csv --since ${manifest.created_at}`,
    );
  printLine(io, 'afterwards every channel only observes until you confirm its plan');
}
