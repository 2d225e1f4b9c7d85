import { z } from 'zod';
import type { OrderSnapshot, SnapshotLine } from '../../stock/order.ts';
import type { FactsOf, Obtaining } from '../channel.ts';
import type { Standing, WooConfig } from './config.ts';
import { type Hold, holdOf, standingOf, wholeUnits } from './hold.ts';
import { type LineFields, type OrderFields, orderRow } from './schema.ts';

/** Of what discovery stored about a listing; facts of another shape count as managed, the safer reading. */
const ListingFacts = z.object({ managed: z.boolean() }).catch({ managed: true });

/** One PHP request can leave status and stock apart for so long at most; older contradictions are there to stay. */
const requestMs = 5 * 60_000;
const lookAgainMs = 30_000;
const looks = 2;
/** Created and paid within one request: the stock moved then (WOO-2.6). */
const sameRequestMs = 5_000;

/** The kept fields of an order as the shop sends it, in webhooks and lists alike; one without a date cannot be read. */
export const keptOrder = orderRow.transform((row, context): OrderFields => {
  const created = row.date_created_gmt ?? row.date_modified_gmt;
  if (created === null) {
    context.addIssue({ code: 'custom', path: ['date_created_gmt'], message: 'no date' });
    return z.NEVER;
  }
  const trashedFrom = row.meta_data.find((entry) => entry.key === '_wp_trash_meta_status')?.value;
  return {
    kind: 'order',
    id: row.id,
    number: row.number ?? null,
    status: row.status,
    trashedFrom:
      row.status === 'trash' && typeof trashedFrom === 'string' ? trashedFrom.replace(/^wc-/, '') : null,
    created,
    modified: row.date_modified_gmt ?? created,
    paid: row.date_paid_gmt,
    completed: row.date_completed_gmt,
    lines: row.line_items.map((line) => ({
      id: line.id,
      product: line.product_id,
      variation: line.variation_id,
      sku: line.sku,
      quantity: Number.isFinite(line.quantity) ? line.quantity : 0,
      reduced: numberIn(line.meta_data, '_reduced_stock'),
      restocked: numberIn(line.meta_data, '_restock_refunded_items') ?? 0,
    })),
    hasRefunds: row.refunds.length > 0,
    refunded: null,
    ownerless: null,
  };
});

/** The number stored under a meta key (a string or a number on the wire); null when there is none. */
export function numberIn(meta: readonly { key: string; value?: unknown }[], key: string): number | null {
  const value = meta.find((entry) => entry.key === key)?.value;
  if (typeof value !== 'number' && (typeof value !== 'string' || value.trim() === '')) return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

/** How a line names its listing: `parent/variation` or the product; null once the product was deleted (WOO-O.5). */
export function listingOf(line: LineFields): string | null {
  if (line.product === '0') return line.variation === '0' ? null : line.variation;
  return line.variation === '0' ? line.product : `${line.product}/${line.variation}`;
}

/** Both names under which discovery may know a line's listing: the variation's id outlives a change of its parent. */
export function refsOf(line: LineFields): string[] {
  const listing = listingOf(line);
  if (listing === null) return [];
  return line.variation === '0' || line.variation === listing ? [listing] : [listing, line.variation];
}

/** May some of the units have been refunded without being put back? Only the refunds themselves tell (WOO-9.13). */
export function needsRefunds(order: OrderFields, config: WooConfig): boolean {
  if (!order.hasRefunds || order.refunded !== null || config.hold_rule === 'by-status') return false;
  const standing = standingOf(order, config.status_map);
  return (standing === 'holds' || standing === 'told') && order.lines.some((line) => (line.reduced ?? 0) > 0);
}

/**
 * Lines of an order that should hold nothing and are still kept from sale by the shop's record. Giving back skips products
 * that are deleted or no longer tracked, for ever (recorded on 11.0.1, 2026-11-30): only the products tell such a line
 * from one that the shop really keeps or is about to give back.
 */
export function keptLines(order: OrderFields, config: WooConfig): LineFields[] {
  if (config.hold_rule === 'by-status' || standingOf(order, config.status_map) !== 'free') return [];
  return order.lines.filter((line) => wholeUnits(line.reduced ?? 0) > 0);
}

/** Must the products of its lines be read before this order says what it holds? A deleted one shows without its id. */
export function needsProducts(order: OrderFields, config: WooConfig): boolean {
  return order.ownerless === null && keptLines(order, config).some((line) => listingOf(line) !== null);
}

/** A line with its listing, what discovery knows of that, and what it holds. */
interface Judged {
  line: LineFields;
  listingId: string | null;
  managed: boolean | undefined;
  hold: Hold;
}

/**
 * The snapshot of an order. `lineKey` is the line item's id alone: it counts up over the whole site and stays with the
 * line when a plugin moves it to another order (WOO-9.15, WOO-9.16).
 */
export function snapshotOf(
  order: OrderFields,
  config: WooConfig,
  facts: FactsOf,
  how: Obtaining,
): OrderSnapshot {
  const standing = standingOf(order, config.status_map);
  const judged = order.lines.map((line): Judged => {
    const refs = refsOf(line);
    const known = refs.map((ref) => facts(ref)).find((ref) => ref !== undefined);
    const managed = known === undefined ? undefined : ListingFacts.parse(known.facts).managed;
    const ownerless = listingOf(line) === null || order.ownerless?.includes(line.id) === true;
    const hold = holdOf(line, order, { standing, managed, ownerless, rule: config.hold_rule });
    return { line, listingId: known?.listingId ?? refs[0] ?? null, managed, hold };
  });
  const open = judged.reduce((sum, { hold }) => sum + hold.taken - hold.gone, 0);
  const settling = judged.some(({ hold }) => hold.settling);
  const recent = how.askedAt - order.modified < requestMs;
  const takenAt = paidAtOnce(order) ? order.paid : null;
  const warnings = [
    ...judged.flatMap((entry) => lineWarnings(entry, order)),
    ...orderWarnings(order, standing, open),
  ];
  return {
    orderId: order.id,
    number: order.number,
    version: order.modified,
    clock: 'date_modified_gmt',
    obtained: how.obtained,
    askedAt: how.askedAt,
    answeredAt: how.answeredAt,
    complete: true,
    placedAt: order.created,
    changedAt: order.modified,
    status: order.status,
    cancelled: order.status === 'cancelled',
    lines: judged.map(
      ({ line, listingId, hold }): SnapshotLine => ({
        lineKey: line.id,
        listingId,
        channelSku: line.sku,
        taken: hold.taken,
        gone: hold.gone,
        takenAt: hold.taken > 0 ? takenAt : null,
        goneAt: hold.gone > 0 && standing === 'shipped' ? order.completed : null,
      }),
    ),
    ...(settling && recent && how.attempt < looks ? { lookAgainMs } : {}),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

function paidAtOnce(order: OrderFields): boolean {
  return order.paid !== null && Math.abs(order.paid - order.created) <= sameRequestMs;
}

function lineWarnings(entry: Judged, order: OrderFields): string[] {
  const { line, managed, hold } = entry;
  const units = line.reduced ?? line.quantity;
  const returned = line.restocked === 0 ? '' : `, ${line.restocked} of them refunded and put back`;
  const isKept = hold.settling && !hold.guessed && !hold.contradicts;
  const warnings = [
    hold.contradicts &&
      `${line.quantity} units are ordered${returned}, but the shop took ${units} from its own stock; ${hold.taken} counted. Set the right number at the shop, or for a plugin that sells packs: hold_rule: by-record`,
    !Number.isInteger(units) && `${units} units, counted as ${hold.taken}`,
    units < 0 && `a negative quantity (${units}) raised the stock of the shop; counted as 0`,
    hold.guessed &&
      managed === true &&
      `the shop manages this product but recorded no stock movement; ${hold.taken} counted by the status ${order.status} (if a plugin moves the stock: hold_rule: by-status)`,
    isKept && `the order is ${order.status}, but the shop still keeps ${hold.taken} from sale`,
  ];
  const name = `line ${line.id}${line.sku === null ? '' : ` (${line.sku})`}`;
  return warnings.flatMap((text) => (text === false ? [] : [`${name}: ${text}`]));
}

function orderWarnings(order: OrderFields, standing: Standing, open: number): string[] {
  const isInTrash = order.status === 'trash';
  if (isInTrash && open > 0) {
    return [
      `in the trash of the shop, which keeps its ${open} units from sale; restore and cancel the order to free them`,
    ];
  }
  if (standing !== 'told' || isInTrash || open !== 0 || order.lines.length === 0) return [];
  return [`the status ${order.status} is unknown and no stock movement is recorded; see status_map`];
}
