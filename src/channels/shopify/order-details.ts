import { z } from 'zod';
import { ChannelError } from '../errors.ts';
import { connectionPages, cursorAfter, type ShopifyApi } from './api.ts';
import { type KeptOrder, type KeptShipment, shipped, Time } from './fields.ts';
import {
  assemble,
  connection,
  LineNode,
  type OrderDetailsNode as Node,
  OrderDetailsNode,
  type OrderParts,
  RefundRowNode,
} from './graphql-order.ts';

/** `first` of the lists in the document OrderDetails. */
const refundsRead = 15;
const fulfillmentsRead = 10;
/** `first` of OrderRefunds: more refunds than this cannot be paged (`refunds` is a plain list, SHP-6). */
const refundsMost = 250;
/** Reads of one order while it changes under our hands. */
const maxReadings = 3;

const DetailsData = z.object({ order: OrderDetailsNode.nullable() });
const LinesData = z.object({
  order: z.object({ updatedAt: Time, lineItems: connection(LineNode) }).nullable(),
});
const RefundsData = z.object({
  order: z
    .object({ updatedAt: Time, refunds: z.array(z.object({ id: z.string(), createdAt: Time })) })
    .nullable(),
});
const RowsData = z.object({
  node: z.object({ id: z.string(), refundLineItems: connection(RefundRowNode) }).nullable(),
});

/** An order read to the last line and refund, with the span of the reading. */
export interface OrderReading {
  order: KeptOrder;
  askedAt: number;
  answeredAt: number;
}

/** Thrown inside this file when a later page shows another version than the first. */
class Changed extends Error {}

/**
 * Reads one order with all lines, refunds and shipments. Pages of different versions are never put together: the
 * reading starts again. Null when there is no such order. Throws `ChannelError`.
 */
export async function readOrderDetails(
  api: ShopifyApi,
  id: string,
  signal: AbortSignal,
): Promise<OrderReading | null> {
  for (let reading = 0; reading < maxReadings; reading += 1) {
    try {
      return await readOnce(api, id, signal);
    } catch (error) {
      if (!(error instanceof Changed)) throw error;
    }
  }
  throw new ChannelError('retry', 'the order keeps changing while it is read');
}

async function readOnce(api: ShopifyApi, id: string, signal: AbortSignal): Promise<OrderReading | null> {
  const first = await api.call({ document: 'OrderDetails', variables: { id }, data: DetailsData }, signal);
  const node = first.data.order;
  if (node === null) return null;
  let answeredAt = first.answeredAt;
  const ask: Ask = async (document, variables, data) => {
    const answer = await api.call({ document, variables, data }, signal);
    answeredAt = answer.answeredAt;
    return answer.data;
  };
  const lines = await allLines(ask, node);
  const refunds = await allRefunds(ask, node);
  const order = assemble(node, {
    lines,
    refunds: refunds.list,
    shipments: shipmentsOf(node),
    complete: refunds.complete,
  });
  return { order, askedAt: first.askedAt, answeredAt };
}

type Ask = <T>(
  document: 'OrderLines' | 'OrderRefunds' | 'RefundRows',
  variables: Record<string, unknown>,
  data: z.ZodType<T>,
) => Promise<T>;

async function allLines(ask: Ask, node: Node): Promise<LineNode[]> {
  const { nodes, pageInfo } = node.lineItems;
  const lines = [...nodes];
  const from = cursorAfter(pageInfo);
  if (from === null) return lines;
  const pages = connectionPages(
    { what: 'the list of lines of an order', from: from ?? '' },
    ({ after }) => ask('OrderLines', { id: node.id, after }, LinesData),
    ({ order }) => order?.lineItems.pageInfo ?? { hasNextPage: false },
  );
  for await (const { order } of pages) {
    if (order === null || order.updatedAt !== node.updatedAt) throw new Changed();
    lines.push(...order.lineItems.nodes);
  }
  return lines;
}

async function allRefunds(ask: Ask, node: Node): Promise<{ list: OrderParts['refunds']; complete: boolean }> {
  const read = new Map(node.refunds.map((refund) => [refund.id, refund.refundLineItems]));
  let heads = node.refunds.map(({ id, createdAt }) => ({ id, createdAt }));
  if (heads.length >= refundsRead) {
    const { order } = await ask('OrderRefunds', { id: node.id }, RefundsData);
    if (order === null || order.updatedAt !== node.updatedAt) throw new Changed();
    heads = order.refunds;
  }
  const list: OrderParts['refunds'] = [];
  for (const head of heads) {
    const page = read.get(head.id);
    const isWhole = page !== undefined && !page.pageInfo.hasNextPage;
    list.push({ at: head.createdAt, rows: isWhole ? page.nodes : await allRows(ask, head.id) });
  }
  return { list, complete: heads.length < refundsMost };
}

async function allRows(ask: Ask, refund: string): Promise<RefundRowNode[]> {
  const rows: RefundRowNode[] = [];
  const pages = connectionPages(
    { what: 'the list of rows of a refund' },
    ({ after }) => ask('RefundRows', { id: refund, after }, RowsData),
    ({ node }) => node?.refundLineItems.pageInfo ?? { hasNextPage: false },
  );
  for await (const { node } of pages) {
    if (node === null) throw new Changed();
    rows.push(...node.refundLineItems.nodes);
  }
  return rows;
}

/** Shipments only date what left (`goneAt`), so one that is too long to be read whole is kept without its lines. */
function shipmentsOf(node: Node): KeptShipment[] {
  const isCut = node.fulfillments.length >= fulfillmentsRead;
  return node.fulfillments
    .filter((fulfillment) => shipped(fulfillment.status))
    .map((fulfillment) => {
      const { nodes, pageInfo } = fulfillment.fulfillmentLineItems;
      const rows = nodes.map((row) => ({ line: row.lineItem.id, quantity: row.quantity ?? 0 }));
      return { at: fulfillment.createdAt, lines: isCut || pageInfo.hasNextPage ? null : rows };
    });
}
