import type { Clock } from '../clock.ts';
import type { Caller } from '../http/admin.ts';
import { type HttpAnswer, type HttpAsk, json, notAllowed, refused } from '../http/listener.ts';
import type { AlertLevels, Store } from '../store/store.ts';
import { explanationOf } from '../sync/explanation.ts';
import { type LastRun, lastRun } from '../sync/plan.ts';
import { alertJson, oversellJson, type StatusReport, stockJson } from '../sync/status.ts';
import { attentionPage } from './attention.ts';
import { driftPage } from './drift.ts';
import { htmlAnswer, pageOf } from './frame.ts';
import { html, type Markup } from './html.ts';
import { logIn, logInFirst, mayLook } from './login.ts';
import { overview } from './overview.ts';
import { skuList, skuPage } from './sku.ts';

/** What the page is made of; all of it is read. */
export interface PageWorld {
  store: Store;
  clock: Clock;
  /** The admin token, which links to the page are signed with. */
  token: string | null;
  levels: AlertLevels;
  status(): Promise<StatusReport>;
}

/** One place of the page: its data as the commands print them, and how they look. */
interface Shown {
  title: string;
  /** The entry of the menu. */
  place: string;
  data: unknown;
  body: Markup;
}

const most = { entries: 200, rows: 200 } as const;

/**
 * The read-only page: `/`, `/sku`, `/sku/:sku`, `/drift`, `/attention`, each with `.json` at its end for the data.
 * Null: the path is not the page's.
 */
export async function servePage(world: PageWorld, ask: HttpAsk, caller: Caller): Promise<HttpAnswer | null> {
  const now = world.clock.now();
  if (ask.path === '/login') return logIn(ask, world.token, now);
  const place = placeOf(ask.path);
  if (place === null) return null;
  if (ask.method !== 'GET') return notAllowed('GET', 'this page only shows');
  if (!mayLook(ask, caller, { token: world.token, now })) return logInFirst(place.json, now);
  const shown = await show(world, place, new URLSearchParams(ask.query), now);
  if (shown === null) {
    const whole = place.json ? await showSku(world, `${place.sku}.json`, now) : null;
    if (whole !== null) return htmlAnswer(200, pageOf(whole.title, whole.place, whole.body, now));
    if (place.json) return refused(404, 'no such SKU', 'unknown_sku');
    const none = html`<p>There is no such SKU. <a href="/sku">All SKUs</a></p>`;
    return htmlAnswer(404, pageOf('Not found', '/sku', none, now));
  }
  if (place.json) return json(200, shown.data);
  return htmlAnswer(200, pageOf(shown.title, shown.place, shown.body, now));
}

interface Place {
  name: string;
  /** As it stands in the path, decoded; null where the path names none. */
  sku: string | null;
  json: boolean;
}

/** The place that a path means; null when it is none of the page's. */
export function placeOf(path: string): Place | null {
  const sku = /^\/sku\/([^/]{1,1000})$/.exec(path)?.[1];
  if (sku !== undefined) return skuPlace(sku);
  const found = /^\/(|index|sku|drift|attention)(\.json)?$/.exec(path);
  if (found === null || path === '/index') return null;
  return { name: found[1] || 'index', sku: null, json: found[2] !== undefined };
}

function skuPlace(text: string): Place | null {
  const json = text.endsWith('.json') && text.length > '.json'.length;
  try {
    return { name: 'one', sku: decodeURIComponent(json ? text.slice(0, -'.json'.length) : text), json };
  } catch {
    return null;
  }
}

function show(world: PageWorld, place: Place, query: URLSearchParams, now: number): Promise<Shown | null> {
  if (place.sku !== null) return showSku(world, place.sku, now);
  if (place.name === 'sku') return showSkus(world, query);
  if (place.name === 'drift') return showDrift(world, now);
  return place.name === 'attention' ? showAttention(world, now) : showOverview(world, now);
}

async function showOverview(world: PageWorld, now: number): Promise<Shown> {
  const report = await world.status();
  const body = overview(report, await runOf(world.store), now);
  return { title: 'Overview', place: '/', data: report, body };
}

async function showSkus({ store }: PageWorld, query: URLSearchParams): Promise<Shown> {
  const search = (query.get('search') ?? '').trim().slice(0, 200);
  const after = query.get('after');
  const filter = { limit: most.rows, ...(after === null ? {} : { after }) };
  const rows = await store.stock.list(search === '' ? filter : { ...filter, search });
  const next = rows.length === most.rows ? (rows.at(-1)?.sku ?? null) : null;
  return {
    title: 'SKUs',
    place: '/sku',
    data: { stock: rows.map(stockJson) },
    body: skuList(rows, search, next),
  };
}

async function showSku({ store }: PageWorld, sku: string, now: number): Promise<Shown | null> {
  const asked = { sku, at: null, channel: null, limit: most.entries, now };
  const found = await explanationOf(store, asked);
  if (found === null) return null;
  return { title: found.sku, place: '/sku', data: found, body: skuPage(found, now) };
}

async function showDrift({ store }: PageWorld, now: number): Promise<Shown> {
  const run = await runOf(store);
  return { title: 'Drift', place: '/drift', data: { run }, body: driftPage(run, now) };
}

async function showAttention({ store, levels }: PageWorld, now: number): Promise<Shown> {
  const alerts = await store.duties.alerts(true, most.rows);
  const docket = await store.reports.oversells({ status: 'open', limit: most.rows });
  const data = { alerts: alerts.map((row) => alertJson(row, levels)), oversells: docket.map(oversellJson) };
  const body = attentionPage(alerts, docket, { levels, now });
  return { title: 'Attention', place: '/attention', data, body };
}

async function runOf(store: Store): Promise<LastRun | null> {
  const row = await store.duties.lastRun();
  return row === null ? null : lastRun.parse(row.body);
}
