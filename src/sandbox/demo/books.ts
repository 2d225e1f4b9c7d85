import Database from 'better-sqlite3';

/** One SKU as the database file tells it, read by this file's own SQL: nothing of the engine is used. */
export interface BookedSku {
  sku: string;
  onHand: number;
  committed: number;
  reserved: number;
  /** Sums of the ledger. */
  ledgerOnHand: number;
  ledgerCommitted: number;
  ledgerReserved: number;
  /** Counts, receipts and adjustments: what people put there. */
  put: number;
  /** Pieces that a channel shipped although the books had none for the line. */
  found: number;
  /** Given and shipped by the lines. */
  given: number;
  gone: number;
}

export interface BookedLine {
  channel: string;
  orderId: string;
  lineKey: string;
  sku: string | null;
  taken: number;
  gone: number;
  given: number;
  waived: number;
}

export interface Books {
  skus: BookedSku[];
  lines: BookedLine[];
  openShortfall: number;
  pendingDeliveries: number;
  deadDeliveries: number;
  integrity: string;
}

/** Opens the file afresh, read-only, and reads what the proof needs. */
export function readBooks(file: string): Books {
  const db = new Database(file, { readonly: true });
  try {
    const one = (text: string) => db.prepare(text).pluck().get() as number;
    return {
      skus: db.prepare(skuSums).all() as BookedSku[],
      lines: db.prepare(lineRows).all() as BookedLine[],
      openShortfall: one("select coalesce(sum(shortfall), 0) from docket where status = 'open'"),
      pendingDeliveries: one("select count(*) from delivery where status = 'new'"),
      deadDeliveries: one("select count(*) from delivery where status = 'dead'"),
      integrity: String(db.pragma('integrity_check(1)', { simple: true })),
    };
  } finally {
    db.close();
  }
}

const skuSums = `
  with ledger as (
    select sku_id, sum(on_hand) as h, sum(committed) as c, sum(reserved) as r,
      sum(case when kind in ('count', 'receipt', 'adjustment') then on_hand else 0 end) as put,
      sum(case when kind = 'found' then on_hand else 0 end) as found
    from entry
    group by sku_id
  ), held as (
    select json_extract(p.value, '$[0]') as sku_id,
      sum(l.given * json_extract(p.value, '$[1]')) as given,
      sum(l.gone * json_extract(p.value, '$[1]')) as gone
    from line l, json_each(l.parts) p
    where l.allocation = 'held'
    group by 1
  )
  select s.code as sku, v.on_hand as onHand, v.committed, v.reserved,
    coalesce(e.h, 0) as ledgerOnHand, coalesce(e.c, 0) as ledgerCommitted, coalesce(e.r, 0) as ledgerReserved,
    coalesce(e.put, 0) as put, coalesce(e.found, 0) as found,
    coalesce(held.given, 0) as given, coalesce(held.gone, 0) as gone
  from level v
  join sku s on s.id = v.sku_id
  left join ledger e on e.sku_id = v.sku_id
  left join held on held.sku_id = v.sku_id
  order by s.code`;

const lineRows = `
  select c.name as channel, o.order_id as orderId, l.line_key as lineKey, s.code as sku,
    l.taken, l.gone, l.given, l.waived
  from line l
  join orders o on o.id = l.order_ref
  join channel c on c.id = l.channel_id
  left join sku s on s.id = json_extract(l.parts, '$[0][0]')`;
