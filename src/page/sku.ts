import type { StockRow } from '../store/store.ts';
import type { Explanation } from '../sync/explanation.ts';
import { type Step, stairs } from './chart.ts';
import { badge, html, type Markup, moment, table } from './html.ts';
import { figure } from './overview.ts';

type Entry = Explanation['entries'][number];
type Sale = Explanation['waiting'][number];
type Listing = Explanation['listings'][number];

const weekMs = 7 * 86_400_000;

/** SKUs as a list, with a field to look for one. `next`: the last name shown, where more follow. */
export function skuList(rows: readonly StockRow[], search: string, next: string | null): Markup {
  return html`<form action="/sku" method="get" role="search"><input id="search" name="search" value="${search}" aria-label="SKU" placeholder="SKU"><button>Find</button></form>
${table(
  'SKUs',
  [
    { title: 'SKU', value: ({ sku }: StockRow) => html`<a href="${pathOf(sku)}">${sku}</a>` },
    { title: 'Available', number: true, value: (row: StockRow) => row.available },
    { title: 'On hand', number: true, value: (row: StockRow) => row.onHand },
    { title: 'Committed', number: true, value: (row: StockRow) => row.committed },
    { title: 'Reserved', number: true, value: (row: StockRow) => row.reserved },
    { title: 'Counted', value: (row: StockRow) => (row.counted ? 'yes' : badge('never', 'warn')) },
  ],
  rows,
  search === ''
    ? 'There is no SKU yet: invsync stock import FILE counts some.'
    : 'No SKU has that in its name.',
)}
${next !== null && html`<p><a href="/sku?after=${encodeURIComponent(next)}${search === '' ? '' : `&search=${encodeURIComponent(search)}`}">More</a></p>`}`;
}

function pathOf(sku: string): string {
  return `/sku/${encodeURIComponent(sku)}`;
}

/** Why is it this number? The ledger, who waits, and what each listing shows. */
export function skuPage(found: Explanation, now: number): Markup {
  return html`${!found.counted && html`<p>${badge('Never counted', 'warn')}: its number says nothing and is pushed nowhere. <code>invsync stock count SKU N</code></p>`}
${!found.adds_up && html`<p>${badge('The entries do not add up to the level', 'bad')}: run <code>invsync db check</code></p>`}
<dl>${figure('available', found.available)}${[
    ['on hand', found.on_hand] as const,
    ['committed', found.committed] as const,
    ['reserved', found.reserved] as const,
  ].map(([name, value]) => value !== null && figure(name, value))}</dl>
${found.waiting.map(waiting)}
<h2>Seven days</h2>
${stairs('available', stepsOf(found, now), { from: now - weekMs, until: now })}
<h2>Where it is listed</h2>
${table('Listings', listingColumns(now), found.listings, 'It is listed nowhere.')}
<h2>Why it is ${found.available}</h2>
${table('Ledger entries, the newest first', entryColumns(now), [...found.entries].reverse(), 'Nothing has happened to it yet.')}
<p>${found.omitted && `Older entries are left out; before these it was ${found.opening}. `}The whole ledger: <code>invsync explain ${found.sku}</code></p>`;
}

function waiting({ order_number, order_id, channel, shortfall, oversell_id }: Sale): Markup {
  return html`<p>${badge('Sold, and not there', 'bad')}: order ${order_number ?? order_id} on ${channel} waits for ${shortfall} more. <code>invsync oversells resolve ${oversell_id} --as filled|cancelled|written-off</code></p>`;
}

function stepsOf(found: Explanation, now: number): Step[] {
  const from = now - weekMs;
  const steps = found.entries.map((entry) => ({ at: Date.parse(entry.recorded_at), value: entry.after }));
  const before = steps.filter(({ at }) => at < from).at(-1)?.value ?? found.opening;
  return [{ at: from, value: before }, ...steps.filter(({ at }) => at >= from)];
}

function listingColumns(now: number) {
  return [
    { title: 'Channel', value: (row: Listing) => row.channel },
    { title: 'Listing', value: (row: Listing) => row.channel_sku ?? row.listing_id },
    { title: 'Wants', number: true, value: (row: Listing) => row.target },
    { title: 'Sent', number: true, value: (row: Listing) => row.sent },
    { title: 'Shows', number: true, value: (row: Listing) => row.shown },
    { title: 'Read', value: (row: Listing) => moment(row.read_at, now) },
    {
      title: 'State',
      value: ({ state }: Listing) => badge(state, state === 'in sync' ? 'good' : 'quiet'),
    },
  ];
}

function entryColumns(now: number) {
  return [
    { title: 'When', value: (entry: Entry) => moment(entry.at, now) },
    { title: 'What', value: (entry: Entry) => entry.kind },
    { title: 'Change', number: true, value: ({ delta }: Entry) => (delta > 0 ? `+${delta}` : delta) },
    { title: 'Then', number: true, value: (entry: Entry) => entry.after },
    { title: 'Channel', value: (entry: Entry) => entry.channel },
    { title: 'Order', value: (entry: Entry) => entry.order_number ?? entry.order_id },
    { title: 'By', value: (entry: Entry) => entry.by },
    { title: 'Why', value: (entry: Entry) => entry.reason ?? entry.ref },
  ];
}
