import type { LastRun, PlanLine } from '../sync/plan.ts';
import { badge, html, type Markup, moment, table } from './html.ts';
import { figure } from './overview.ts';

/** What the last reconcile run found, the riskiest first. */
export function driftPage(run: LastRun | null, now: number): Markup {
  if (run === null)
    return html`<p>No run over whole channels yet. <code>invsync reconcile --dry-run</code> shows what one would find.</p>`;
  const { counts, lines, failed, omitted } = run;
  return html`<p>Run ${moment(run.created_at, now)}, plan <code>${run.plan_id}</code>.</p>
<dl>${figure('listings compared', counts['listings'] ?? 0)}${figure('too high', counts['lower'] ?? 0)}${figure('too low', counts['raise'] ?? 0)}${figure('wait for proof', counts['wait'] ?? 0)}${figure('refused', counts['refused'] ?? 0, (counts['refused'] ?? 0) > 0)}${figure('corrected', counts['done'] ?? 0)}</dl>
${failed.map(({ channel, reason }) => html`<p>${badge('Not read', 'bad')}: ${channel}: ${reason}</p>`)}
${table('What differs', columns, lines, 'Every number that was read is right.')}
${omitted > 0 && html`<p>${omitted} more are not shown.</p>`}
<p>What it would do now: <code>invsync reconcile --dry-run</code></p>`;
}

const columns = [
  {
    title: 'SKU',
    value: ({ sku, listing_id }: PlanLine) =>
      sku === null ? listing_id : html`<a href="/sku/${encodeURIComponent(sku)}">${sku}</a>`,
  },
  { title: 'Channel', value: (line: PlanLine) => line.channel },
  { title: 'Shows', number: true, value: (line: PlanLine) => line.shown },
  { title: 'Should show', number: true, value: (line: PlanLine) => line.target },
  {
    title: 'Why',
    value: ({ cause, note, orders }: PlanLine) => [cause, note, ...orders].filter(Boolean).join(', '),
  },
  { title: 'Step', value: stepText },
];

function stepText({ action, done, until }: PlanLine): Markup | string {
  if (done) return badge(`${action}: done`, 'good');
  if (action === 'lower') return badge('lower: not done yet', 'bad');
  return until === null ? action : `${action} until ${until}`;
}
