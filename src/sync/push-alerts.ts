import type { CounterView } from '../store/store.ts';
import { closeAlert, openAlert } from './alerts.ts';
import type { Engine, LiveChannel } from './engine.ts';

const kinds = ['exposed', 'refused_push'] as const;
const mostAlerts = 1_000;

/** A number that a channel refuses. */
export interface Refusal {
  view: CounterView;
  error: string;
  hint: string;
  /** It shows more than there is. */
  exposed: boolean;
}

function subjectOf(live: LiveChannel, view: CounterView): string {
  return `${live.name} ${view.listings[0]?.listingId ?? view.counterKey}`;
}

/** Tells that a number cannot be written, and how to try again once its cause is mended. */
export async function tellRefused(engine: Engine, live: LiveChannel, refusal: Refusal): Promise<void> {
  const { view, error, hint, exposed } = refusal;
  const subject = subjectOf(live, view);
  const what = exposed ? 'shows more than there is and cannot be lowered' : 'refuses its number';
  const why = hint === '' ? error : `${error} (${hint})`;
  const message = `${subject} ${what}: ${why}; when that is mended: invsync pushes retry --channel ${live.name}`;
  await openAlert(engine, {
    channelId: live.id,
    kind: exposed ? 'exposed' : 'refused_push',
    subject,
    message,
  });
}

/** The counter's number was taken, or is as it should be, or is nobody's business any more. */
export async function endRefusal(engine: Engine, live: LiveChannel, view: CounterView): Promise<void> {
  if (!view.exposed && !view.dead && view.error === null) return;
  for (const kind of kinds) await closeAlert(engine, kind, subjectOf(live, view));
}

/** Ends what nobody pushed away: a number that became right by itself, a listing that is gone or left alone. */
export async function endOldRefusals(engine: Engine, live: LiveChannel): Promise<void> {
  const { duties, outbox } = engine.store;
  const open = (await duties.alerts(true, mostAlerts)).filter(
    (alert) => alert.channel === live.name && kinds.some((kind) => kind === alert.kind),
  );
  for (const kind of kinds) {
    const alerts = open.filter((alert) => alert.kind === kind);
    if (alerts.length === 0) continue;
    const status = kind === 'exposed' ? 'exposed' : 'dead';
    const wish = { channel: live.name, status, limit: 10_000 } as const;
    const rows = await outbox.list(wish, engine.clock.now());
    const views = await outbox.view(rows.map((row) => row.counterId));
    const still = new Set(views.filter(isWrong).map((view) => subjectOf(live, view)));
    for (const { subject } of alerts) if (!still.has(subject)) await closeAlert(engine, kind, subject);
  }
}

function isWrong(view: CounterView): boolean {
  const { target, lastRead } = view;
  const offered = view.listings.some((listing) => listing.mode === 'on' && !listing.vanished);
  return offered && target.kind === 'number' && lastRead?.shown !== target.quantity;
}
