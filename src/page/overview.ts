import { spanText } from '../clock.ts';
import { countText } from '../errors.ts';
import type { ChannelReport } from '../sync/channel-report.ts';
import type { LastRun } from '../sync/plan.ts';
import type { StatusReport } from '../sync/status.ts';
import { badge, html, type Markup, moment, type Part, table } from './html.ts';

/** Is anything burning? Then the numbers, then each channel. */
export function overview(report: StatusReport, run: LastRun | null, now: number): Markup {
  return html`${burning(report, now)}
<dl>${figures(report).map(([name, value, amiss]) => figure(name, value, amiss))}</dl>
<h2>Channels</h2>
${table('Channels', channelColumns(now), report.channels, 'No channel is configured yet.')}
${report.channels.map(({ channel, note }) => note !== null && html`<p><b>${channel}</b>: ${note}</p>`)}
<h2>Last reconcile</h2>
${lastReconcile(run, now)}`;
}

function burning({ alerts, daemon }: StatusReport, now: number): Markup {
  const up =
    daemon.since === null ? '' : ` The daemon has been up for ${spanText(now - Date.parse(daemon.since))}.`;
  if (alerts.open === 0)
    return html`<div class="say"><p>${badge('Nothing needs a person.', 'good')}${up}</p></div>`;
  const needs = `${countText(alerts.open, 'alert')} open, ${alerts.unseen} not acknowledged.`;
  return html`<div class="say burns"><p>${badge(needs, 'bad')} <a href="/attention">What to do</a>.${up}</p>
${alerts.newest.map((sentence) => html`<p>${sentence}</p>`)}</div>`;
}

/** Name, value, and whether it should be 0. */
function figures(report: StatusReport): [string, string, boolean][] {
  const oldest = spanText(report.outbox.oldest_s * 1_000);
  return [
    ['events waiting', String(report.inbox.pending), false],
    ['events dead', String(report.inbox.dead), report.inbox.dead > 0],
    ['pushes due', report.outbox.due === 0 ? '0' : `${report.outbox.due}, oldest ${oldest}`, false],
    ['listings exposed', String(report.exposed), report.exposed > 0],
    ['oversells open', String(report.oversells_open), report.oversells_open > 0],
    ['sales without a SKU', String(report.unmapped_sales), report.unmapped_sales > 0],
    ['SKUs not counted', String(report.uncounted), false],
    ['low without a reason', String(report.unexplained_low), report.unexplained_low > 0],
  ];
}

/** One number with its name. */
export function figure(name: string, value: Part, amiss = false): Markup {
  return html`<div><dt>${name}</dt><dd class="${amiss ? 'bad' : 'plain'}">${value}</dd></div>`;
}

function channelColumns(now: number) {
  return [
    { title: 'Channel', value: (row: ChannelReport) => row.channel },
    { title: 'Mode', value: (row: ChannelReport) => row.mode },
    { title: 'State', value: ({ state }: ChannelReport) => badge(state, state === 'ok' ? 'good' : 'bad') },
    {
      title: 'Orders',
      value: (row: ChannelReport) => (row.feed_fresh ? 'fresh' : badge('stale', 'warn')),
    },
    { title: 'Last answer', value: (row: ChannelReport) => moment(row.last_ok_at, now) },
    { title: 'Last webhook', value: (row: ChannelReport) => moment(row.webhook_heard_at, now) },
    { title: 'Due', number: true, value: (row: ChannelReport) => row.due },
    { title: 'Dead', number: true, value: (row: ChannelReport) => row.dead },
    { title: 'Missed webhooks, 24 h', number: true, value: (row: ChannelReport) => row.missed_webhooks },
  ];
}

function lastReconcile(run: LastRun | null, now: number): Markup {
  if (run === null) return html`<p class="quiet">None yet.</p>`;
  const { counts, failed } = run;
  const [looked = 0, lowered = 0, raised = 0] = [counts['listings'], counts['lower'], counts['raise']];
  return html`<p>${moment(run.created_at, now)}: ${countText(looked, 'listing')} compared, ${lowered} too high, ${raised} too low, ${counts['done'] ?? 0} corrected. <a href="/drift">Details</a></p>
${failed.map(({ channel, reason }) => html`<p>${badge('Not read:', 'bad')} ${channel}: ${reason}</p>`)}`;
}
