import { iso } from '../clock.ts';
import { countText } from '../errors.ts';
import type { AlertLevel, AlertLevels, AlertRow, OversellRow } from '../store/store.ts';
import { badge, html, type Markup, moment, table } from './html.ts';

/** Open alerts by kind, the gravest first, then the docket. */
export function attentionPage(
  alerts: readonly AlertRow[],
  docket: readonly OversellRow[],
  { levels, now }: { levels: AlertLevels; now: number },
): Markup {
  const kinds = [...new Set(alerts.map(({ kind }) => kind))].sort(
    (a, b) => order.indexOf(levels[a]) - order.indexOf(levels[b]) || a.localeCompare(b),
  );
  return html`${kinds.length === 0 && html`<div class="say"><p>${badge('Nothing needs a person.', 'good')}</p></div>`}
${kinds.map((kind) =>
  group(
    alerts.filter((alert) => alert.kind === kind),
    levels[kind],
    now,
  ),
)}
<h2>Sold, and not there</h2>
${table(
  'Open oversells',
  [
    { title: 'Channel', value: (row: OversellRow) => row.channel },
    { title: 'Order', value: (row: OversellRow) => row.orderNumber ?? row.orderId },
    {
      title: 'SKU',
      value: ({ sku }: OversellRow) =>
        sku !== null && html`<a href="/sku/${encodeURIComponent(sku)}">${sku}</a>`,
    },
    { title: 'Missing', number: true, value: (row: OversellRow) => row.shortfall },
    { title: 'Sold', value: (row: OversellRow) => moment(iso(row.placedAt), now) },
    {
      title: 'Ends with',
      value: ({ id }: OversellRow) =>
        html`<code>invsync oversells resolve ${id} --as filled|cancelled|written-off</code>`,
    },
  ],
  docket,
  'No order waits for goods.',
)}`;
}

const order = ['error', 'warn', 'info'];

function group(rows: readonly AlertRow[], level: AlertLevel, now: number): Markup {
  const kind = rows[0]?.kind ?? '';
  return html`<h2>${badge(level, level === 'error' ? 'bad' : 'warn')} ${kind.replaceAll('_', ' ')}: ${countText(rows.length, 'alert')}</h2>
${rows.map(
  ({ id, message, since, ackedAt }) =>
    html`<p>${message} <span class="quiet">${moment(iso(since), now)}${ackedAt === null ? html`, <code>invsync alerts ack ${id}</code>` : ', seen'}</span></p>\n`,
)}`;
}
