import type { Rate } from '../kit/buckets.ts';
import { listOf, tableOf } from '../kit/untyped.ts';
import { type Call, malformed, Refusal, type Route, refused, route } from './call.ts';
import { managedWarehouses } from './shelves.ts';
import type { Holding, Product, Sku, State } from './state.ts';
import { availableOf, type Stock, shownOf } from './stock.ts';

/** TTS-4. */
const highest = 99_999;
const skusAtOnce = 100;

interface Context {
  state: State;
  stock: Stock;
}

/** What a row of the body asks of one SKU. */
interface Wish {
  sku: Sku;
  rows: { warehouseId: string | null; quantity: number }[];
}

/** The write of stock: absolute, one product a call, at once (TTS-4). */
export function inventoryRoutes(context: Context, rate: Rate): Route[] {
  const needs = { scope: 'seller.product.write', rate, writesStock: true } as const;
  const path = '#/inventory/update';
  return [
    route(`POST /product/202309/products/${path}`, needs, (call) => update(context, call, 'local')),
    route(`POST /product/202309/global_products/${path}`, needs, (call) => update(context, call, 'global')),
  ];
}

/** The SKUs that a write names, whatever becomes of it. */
export function skusNamed(state: State, call: Call): Sku[] {
  return listOf(call.body['skus']).flatMap((row) => state.skus.get(String(tableOf(row)['id'])) ?? []);
}

function update(context: Context, call: Call, place: 'local' | 'global'): Record<string, unknown> {
  const product = productIn(context.state, call.params[0] ?? '', place);
  const wishes = wishesIn(product, call.body);
  disturbHoldings(context.state, wishes);
  checkShared(wishes);
  const errors: RowError[] = [];
  const good = wishes.filter((wish) => {
    const error = judge(context.state, wish);
    if (error !== null) errors.push(error);
    return error === null;
  });
  const last = good.at(-1);
  if (last !== undefined && context.state.faults.hits('partial_error')) {
    good.pop();
    errors.push(rowError(last.sku, 12001000, 'Internal error. Please try again later.'));
  }
  for (const wish of good) apply(context, call, wish);
  return errors.length === 0 ? {} : { errors };
}

function productIn(state: State, id: string, place: 'local' | 'global'): Product {
  if (!/^\d{1,20}$/.test(id)) throw new Refusal(400, 36009004, `Invalid 'product_id' path parameter.`);
  const product = state.products.get(id);
  if (product === undefined) throw refused(12052032, 'The product was not found.');
  if (product.global && place === 'local') {
    throw refused(12052141, 'The stock of this product must be changed at the global product.');
  }
  if (!product.global && place === 'global') throw refused(12052034, 'The product does not belong to you.');
  return product;
}

/** What refuses the whole call, however many of its SKUs are right. */
function wishesIn(product: Product, body: Record<string, unknown>): Wish[] {
  const rows = body['skus'];
  if (!Array.isArray(rows) || rows.length === 0) throw malformed('skus');
  if (rows.length > skusAtOnce) throw refused(12052050, 'A product has at most 100 SKUs.');
  return rows.map(tableOf).map((row) => {
    const sku = product.skus.find(({ id }) => id === row['id']);
    if (sku === undefined) throw refused(12052557, 'The SKU does not belong to this product.');
    const inventory = row['inventory'];
    if (!Array.isArray(inventory) || inventory.length === 0) throw malformed('inventory');
    return { sku, rows: inventory.map(tableOf).map(numberIn) };
  });
}

function numberIn(row: Record<string, unknown>): Wish['rows'][number] {
  const quantity = row['quantity'];
  if (typeof quantity !== 'number') throw malformed('quantity');
  if (!Number.isInteger(quantity) || quantity < 0 || quantity > highest) {
    throw refused(12052055, 'The quantity must be an integer from 0 to 99999.');
  }
  const id = row['warehouse_id'] ?? row['global_warehouse_id'] ?? null;
  if (id !== null && typeof id !== 'string') throw malformed('warehouse_id');
  return { warehouseId: id === '' ? null : id, quantity };
}

/** Faults of the warehouses: the seller has put the first SKU into one more, or into a campaign. */
function disturbHoldings(state: State, wishes: Wish[]): void {
  const [first] = wishes;
  if (first === undefined) return;
  const { sku } = first;
  const free = state.warehouses.find(
    (warehouse) =>
      warehouse.type === 'SALES_WAREHOUSE' &&
      warehouse.status === 'ENABLED' &&
      !warehouse.platform &&
      !sku.holdings.some((holding) => holding.warehouse === warehouse),
  );
  if (free !== undefined && state.faults.hits('new_warehouse')) {
    sku.holdings.push({ warehouse: free, available: 0, committed: 0 });
  }
  if (availableOf(sku) > 1 && state.faults.hits('campaign_reservation')) {
    sku.campaign = Math.max(1, Math.floor(availableOf(sku) / 3));
  }
}

/** 12052503: SKUs that share stock are written together, with one number. */
function checkShared(wishes: Wish[]): void {
  for (const { sku, rows } of wishes) {
    for (const other of sku.sharedWith) {
      const its = wishes.find((wish) => wish.sku === other);
      const same = its !== undefined && JSON.stringify(its.rows) === JSON.stringify(rows);
      if (!same) throw refused(12052503, 'SKUs that share stock must have equal quantity.');
    }
  }
}

/** What is wrong with one SKU; throws where that refuses the whole call. */
function judge(state: State, { sku, rows }: Wish): RowError | null {
  const { faults } = state;
  const inside = faults.hits('refused_inside');
  const whole = (code: number, message: string): RowError => {
    if (!inside) throw refused(code, message);
    return rowError(sku, code, message);
  };
  if (sku.product.status !== 'ACTIVATE') return rowError(sku, 12052048, 'The product cannot be edited.');
  if (sku.parts.length > 0) return rowError(sku, 12052850, 'The stock of a combo cannot be edited.');
  if (sku.holdings.some(({ warehouse }) => warehouse.platform)) {
    return whole(12052144, 'The stock lies in a warehouse of the platform.');
  }
  const bad = warehouseError(state, { sku, rows });
  if (bad !== null) return bad;
  if (faults.hits('auto_allocated')) return whole(12052516, 'The stock is allocated automatically.');
  const named = new Set(rows.map(({ warehouseId }) => warehouseId));
  const single = sku.holdings.length === 1 && sku.holdings[0]?.warehouse.isDefault === true;
  const complete = named.has(null)
    ? single && rows.length === 1
    : sku.holdings.every(({ warehouse }) => named.has(warehouse.id));
  if (!complete || named.size < rows.length) {
    return whole(12052037, 'The stock of all warehouses of the SKU is required.');
  }
  const total = rows.reduce((sum, { quantity }) => sum + quantity, 0);
  if (total < availableOf(sku) && faults.hits('promotion_lock')) {
    return rowError(sku, 12052393, 'The product is in a promotion: its stock cannot be lowered.');
  }
  return null;
}

interface WarehouseFault {
  warehouse_id: string;
  code: number;
  message: string;
}

function warehouseError(state: State, { sku, rows }: Wish): RowError | null {
  const extra = rows.flatMap(({ warehouseId: id }): WarehouseFault[] => {
    if (id === null) return [];
    const warehouse = state.warehouses.find((one) => one.id === id);
    const fault = (code: number, message: string) => [{ warehouse_id: id, code, message }];
    if (warehouse === undefined || state.faults.hits('warehouse_gone')) {
      return fault(12052097, 'The warehouse does not exist.');
    }
    if (warehouse.platform) return fault(12052530, 'The warehouse is not yours.');
    if (warehouse.type !== 'SALES_WAREHOUSE') return fault(12052532, 'The warehouse is not for sales.');
    if (warehouse.status === 'DISABLED' || state.faults.hits('warehouse_disabled')) {
      return fault(12052531, 'The warehouse is disabled.');
    }
    return [];
  });
  const [first] = extra;
  return first === undefined ? null : rowError(sku, first.code, first.message, extra);
}

type RowError = ReturnType<typeof rowError>;

/** A refusal of one SKU inside code 0. */
function rowError(sku: Sku, code: number, message: string, extra: WarehouseFault[] = []) {
  return { code, message, detail: { sku_id: sku.id, extra_errors: extra } };
}

function apply({ state, stock }: Context, call: Call, { sku, rows }: Wish): void {
  const managed = managedWarehouses(state);
  const from = shownOf(sku, managed);
  const numbers = rows.map(({ warehouseId, quantity }) => ({
    holding: holdingIn(state, sku, warehouseId),
    available: quantity,
  }));
  stock.put(sku, numbers);
  const to = shownOf(sku, managed) ?? 0;
  const write = { sku: sku.sellerSku, from, to, applied: true, answered: false, key: null };
  call.writes.push(state.records.write(write));
}

/** A sales warehouse that did not hold the SKU does so from now on. */
function holdingIn({ warehouses }: State, { holdings }: Sku, warehouseId: string | null): Holding {
  const known = holdings.find(({ warehouse }) => warehouseId === null || warehouse.id === warehouseId);
  if (known !== undefined) return known;
  const warehouse = warehouses.find(({ id }) => id === warehouseId);
  if (warehouse === undefined) throw refused(12052097, 'The warehouse does not exist.');
  const fresh: Holding = { warehouse, available: 0, committed: 0 };
  holdings.push(fresh);
  return fresh;
}
