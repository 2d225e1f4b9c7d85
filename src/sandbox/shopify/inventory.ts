import { GraphQLError, type GraphQLResolveInfo, getDirectiveValues } from 'graphql';
import type { Faults } from '../kit/faults.ts';
import type { Random } from '../kit/random.ts';
import type { Records } from '../kit/records.ts';
import { inventoryItemBody, levelIdsBody } from './bodies.ts';
import type { Call } from './call.ts';
import { maxPage } from './connection.ts';
import { gid, idIn } from './gid.ts';
import { type IdempotencyMemory, type KeyError, keyErrorTexts } from './idempotency.ts';
import { utc, wholeSeconds } from './moment.ts';
import type { Orders } from './orders.ts';
import {
  activeLevelAt,
  addLevel,
  countSku,
  type InventoryItem,
  type Level,
  type Location,
  levelAt,
  move,
  onHand,
  type ShopState,
  type StoredName,
} from './state.ts';
import type { Views } from './views.ts';
import type { Webhooks } from './webhooks.ts';

export interface InventoryDeps {
  state: ShopState;
  views: Views;
  orders: Orders;
  webhooks: Webhooks;
  records: Records;
  faults: Faults;
  random: Random;
  memory: IdempotencyMemory<Payload>;
}

export interface UserError {
  code?: string | null;
  field: string[] | null;
  message: string;
}

/** Any payload of a mutation that takes a key. */
export interface Payload {
  userErrors: UserError[];
  [field: string]: unknown;
}

interface Row {
  inventoryItemId: string;
  locationId: string;
  quantity?: number;
  delta?: number;
  changeFromQuantity?: number | null;
  ledgerDocumentUri?: string | null;
}

interface StockInput {
  name: string;
  reason: string;
  referenceDocumentUri?: string | null;
  quantities?: Row[];
  changes?: Row[];
}

/** SHP-5.1: the reasons that the platform accepts. */
const reasons = new Set(
  (
    'correction cycle_count_available damaged received restock shrinkage promotion quality_control safety_stock ' +
    'reservation_created reservation_updated reservation_deleted movement_created movement_updated ' +
    'movement_received movement_canceled other'
  ).split(' '),
);

const highest = 1_000_000_000;
const highestDelta = 2_000_000_000;

/**
 * The stock mutations with the run-time rules that the schema does not show (SHP-5.1, SHP-11.1): the directive and
 * the compare field must be present, lists hold 250 entries at most, and a call with any user error changes nothing.
 */
export function createInventory(deps: InventoryDeps) {
  const { state, views, orders, webhooks, records, faults, random, memory } = deps;

  /** Runs an operation once per key; a key that failed stays failed. */
  const once = (info: GraphQLResolveInfo, args: unknown, empty: Payload, run: (key: string) => Payload) => {
    const key = keyOf(info);
    const opened = memory.open(key, fingerprintOf(info.fieldName, args));
    if (opened.kind === 'refused') return { ...empty, userErrors: [keyError(opened.error)] };
    if (opened.kind === 'replay') return opened.result;
    const result = run(key);
    memory.close(key, { result, failed: result.userErrors.length > 0 });
    return result;
  };

  const location = (id: string): Location | undefined => {
    const wanted = idIn(id, 'Location');
    return state.locations.find((candidate) => candidate.id === wanted);
  };
  const item = (id: string): InventoryItem | undefined => {
    const wanted = idIn(id, 'InventoryItem');
    return wanted === null ? undefined : state.itemsById.get(wanted);
  };

  // ------------------------------------------------------------------------------------------ set and adjust

  const change = (kind: 'set' | 'adjust', input: StockInput, key: string, call: Call): Payload => {
    const list = kind === 'set' ? 'quantities' : 'changes';
    const rows = input[list] ?? [];
    disturb(rows);
    const closed = faults.hits('location_deactivated');
    const errors = [...headErrors(kind, input), ...rowErrors({ kind, input, list, rows, call, closed })];
    const applied = errors.length === 0;
    const changes = rows.map((row) => changeOf(kind, input.name, row));
    for (const one of changes) {
      const from = one.level === undefined ? null : before(one.level, input.name);
      call.writes.push(
        records.write({
          sku: one.item?.sku ?? '',
          from,
          to: kind === 'set' ? (one.row.quantity ?? 0) : (from ?? 0) + (one.row.delta ?? 0),
          applied,
          answered: false,
          key,
        }),
      );
    }
    if (!applied) return { inventoryAdjustmentGroup: null, userErrors: errors };
    return apply(input, changes);
  };

  const changeOf = (kind: 'set' | 'adjust', name: string, row: Row) => {
    const what = item(row.inventoryItemId);
    const where = location(row.locationId);
    const level = what === undefined || where === undefined ? undefined : levelAt(what, where);
    const now = level === undefined ? 0 : before(level, name);
    return { row, item: what, level, delta: kind === 'set' ? (row.quantity ?? 0) - now : (row.delta ?? 0) };
  };

  const apply = (input: StockInput, changes: ReturnType<typeof changeOf>[]): Payload => {
    const at = Date.now();
    const shown: Record<string, unknown>[] = [];
    const moved: Level[] = [];
    for (const { level, delta, row } of changes) {
      if (level === undefined || delta === 0) continue;
      const name: StoredName = input.name === 'on_hand' ? 'available' : (input.name as StoredName);
      move(level, name, delta, at);
      if (name === 'available') moved.push(level);
      const names = name === 'available' || name === 'damaged' ? [name, 'on_hand'] : [name];
      for (const one of names) {
        shown.push({
          name: one,
          delta,
          quantityAfterChange: before(level, one),
          ledgerDocumentUri: row.ledgerDocumentUri ?? null,
          item: () => views.item(level.item),
          location: () => views.location(level.location),
          level,
        });
      }
    }
    orders.levelsChanged(moved);
    return { inventoryAdjustmentGroup: group(input, shown, at), userErrors: [] };
  };

  /** A call that changes nothing makes no adjustment group. */
  const group = (input: StockInput, shown: Record<string, unknown>[], at: number) => {
    if (shown.length === 0) return null;
    return {
      __typename: 'InventoryAdjustmentGroup',
      id: gid('InventoryAdjustmentGroup', state.ids.next('InventoryAdjustmentGroup')),
      createdAt: utc(at),
      reason: input.reason,
      referenceDocumentUri: input.referenceDocumentUri ?? null,
      app: () => views.app(),
      changes: (filter: {
        quantityNames?: string[] | null;
        inventoryItemIds?: string[] | null;
        locationIds?: string[] | null;
      }) =>
        shown.filter((one) => {
          const level = one['level'] as Level;
          return (
            (filter.quantityNames?.includes(String(one['name'])) ?? true) &&
            (filter.inventoryItemIds?.includes(gid('InventoryItem', level.item.id)) ?? true) &&
            (filter.locationIds?.includes(gid('Location', level.location.id)) ?? true)
          );
        }),
    };
  };

  /** What the platform's own life does to a write that is on its way (faults). */
  const disturb = (rows: Row[]) => {
    const named = rows.map((row) => item(row.inventoryItemId)).filter((found) => found !== undefined);
    const [first] = named;
    if (first === undefined) return;
    const sellable = named.find((one) => (activeLevelAt(one, state.main)?.quantities.available ?? 0) > 0);
    // A sale that cannot happen does not use the fault up.
    if (sellable !== undefined && (faults.hits('sale_before_write') || faults.hits('stale_by_sale'))) {
      orders.sell({ lines: [{ sku: sellable.sku, quantity: 1 }] });
    }
    const level = levelAt(first, state.main);
    if (level !== undefined && faults.hits('not_stocked')) {
      level.active = false;
      publishLevel('INVENTORY_LEVELS_DISCONNECT', level);
    }
    if (faults.hits('draft_reservation')) orders.reserveDraft(first, random.int(1, 2));
  };

  const headErrors = (kind: 'set' | 'adjust', input: StockInput): UserError[] => {
    const errors: UserError[] = [];
    const names = kind === 'set' ? ['available', 'on_hand'] : adjustable;
    if (!names.includes(input.name)) {
      errors.push({
        code: kind === 'set' ? 'INVALID_NAME' : 'INVALID_QUANTITY_NAME',
        field: ['input', 'name'],
        message:
          kind === 'set'
            ? "The quantity name must be either 'available' or 'on_hand'."
            : 'The specified quantity name is invalid.',
      });
    }
    if (!reasons.has(input.reason)) {
      errors.push({
        code: 'INVALID_REASON',
        field: ['input', 'reason'],
        message: 'The specified reason is invalid.',
      });
    }
    if (!validReference(input.referenceDocumentUri)) {
      errors.push({
        code: 'INVALID_REFERENCE_DOCUMENT',
        field: ['input', 'referenceDocumentUri'],
        message: 'The specified reference document is invalid.',
      });
    }
    return errors;
  };

  const rowErrors = (check: {
    kind: 'set' | 'adjust';
    input: StockInput;
    list: string;
    rows: Row[];
    call: Call;
    closed: boolean;
  }): UserError[] => {
    const seen = new Set<string>();
    return check.rows.flatMap((row, index) => {
      const pair = `${row.inventoryItemId} ${row.locationId}`;
      const twice = seen.has(pair);
      seen.add(pair);
      const wrong = rowError(check, row, twice);
      if (wrong === null) return [];
      const [code, last, message] = wrong;
      return [{ code, field: ['input', check.list, String(index), ...(last === '' ? [] : [last])], message }];
    });
  };

  const rowError = (
    check: { kind: 'set' | 'adjust'; input: StockInput; call: Call; closed: boolean },
    row: Row,
    twice: boolean,
  ): [code: string, last: string, message: string] | null => {
    const bounds = check.kind === 'set' ? setBounds(row.quantity ?? 0) : deltaBounds(row.delta ?? 0);
    if (bounds !== null) return bounds;
    if (check.kind === 'adjust') {
      const ledger = ledgerError(check.input.name, row.ledgerDocumentUri);
      if (ledger !== null) return ledger;
    }
    const what = item(row.inventoryItemId);
    if (what === undefined) {
      return [
        'INVALID_INVENTORY_ITEM',
        'inventoryItemId',
        'The specified inventory item could not be found.',
      ];
    }
    const where = location(row.locationId);
    if (where === undefined || !where.active || check.closed) {
      return ['INVALID_LOCATION', 'locationId', 'The specified location could not be found.'];
    }
    if (twice && check.kind === 'set') {
      return [
        'NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR',
        '',
        'The combination of inventoryItemId and locationId must be unique.',
      ];
    }
    if (what.variants.some(({ components }) => components.length > 0)) {
      return [
        'NON_MUTABLE_INVENTORY_ITEM',
        'inventoryItemId',
        'The specified inventory item is not allowed to be adjusted via API.',
      ];
    }
    const level = activeLevelAt(what, where);
    if (level === undefined) return notStocked(check.call);
    const base = row.changeFromQuantity;
    if (base !== null && base !== undefined && base !== before(level, check.input.name)) {
      return [
        'CHANGE_FROM_QUANTITY_STALE',
        'changeFromQuantity',
        'The changeFromQuantity argument no longer matches the persisted quantity.',
      ];
    }
    return null;
  };

  // -------------------------------------------------------------------------------------------- activation

  const publishLevel = (topic: string, level: Level) =>
    webhooks.publish({
      topic,
      eventId: webhooks.newEventId(),
      subject: String(level.item.id),
      body: () => levelIdsBody(level),
    });

  const activate = (
    args: {
      inventoryItemId: string;
      locationId: string;
      available?: number | null;
      onHand?: number | null;
    },
    key: string,
    call: Call,
  ): Payload => {
    const what = item(args.inventoryItemId);
    const where = location(args.locationId);
    const wrong = (field: string, message: string): Payload => ({
      inventoryLevel: null,
      userErrors: [{ field: [field], message }],
    });
    if (what === undefined) {
      return wrong('inventoryItemId', "The product couldn't be stocked because it wasn't found.");
    }
    if (where === undefined || !where.active || faults.hits('location_deactivated')) {
      return wrong('locationId', "The product couldn't be stocked because the location wasn't found.");
    }
    if (typeof args.available === 'number' && typeof args.onHand === 'number') {
      return wrong('available', "Available and on hand can't both be set.");
    }
    const known = levelAt(what, where);
    if (known?.active === true) return { inventoryLevel: views.level(known), userErrors: [] };
    const level = known ?? addLevel(state, what, where, 0, Date.now());
    const from = known?.quantities.available ?? 0;
    level.active = true;
    // SHP-5.5: without a number the old quantities come back to life.
    const others = onHand(level) - level.quantities.available;
    const to = args.available ?? (typeof args.onHand === 'number' ? args.onHand - others : from);
    move(level, 'available', to - from, Date.now());
    call.writes.push(records.write({ sku: what.sku, from: null, to, applied: true, answered: false, key }));
    publishLevel('INVENTORY_LEVELS_CONNECT', level);
    orders.levelsChanged([level]);
    return { inventoryLevel: views.level(level), userErrors: [] };
  };

  const deactivate = (level: Level): UserError | null => {
    if (level.quantities.committed !== 0) {
      return { field: null, message: 'The inventory has committed units at this location.' };
    }
    level.active = false;
    publishLevel('INVENTORY_LEVELS_DISCONNECT', level);
    return null;
  };

  return {
    inventorySetQuantities(args: { input: StockInput }, call: Call, info: GraphQLResolveInfo) {
      checkRows(args.input.quantities ?? [], 'InventoryQuantityInput');
      const empty = { inventoryAdjustmentGroup: null, userErrors: [] };
      return once(info, args, empty, (key) => change('set', args.input, key, call));
    },

    inventoryAdjustQuantities(args: { input: StockInput }, call: Call, info: GraphQLResolveInfo) {
      checkRows(args.input.changes ?? [], 'InventoryChangeInput');
      const empty = { inventoryAdjustmentGroup: null, userErrors: [] };
      return once(info, args, empty, (key) => change('adjust', args.input, key, call));
    },

    inventoryActivate(
      args: { inventoryItemId: string; locationId: string; available?: number; onHand?: number },
      call: Call,
      info: GraphQLResolveInfo,
    ) {
      const empty = { inventoryLevel: null, userErrors: [] };
      return once(info, args, empty, (key) => activate(args, key, call));
    },

    inventoryDeactivate(args: { inventoryLevelId: string }) {
      const id = idIn(args.inventoryLevelId, 'InventoryLevel');
      const level = state.items.flatMap(({ levels }) => levels).find((one) => one.id === id);
      if (level === undefined) {
        return {
          userErrors: [{ field: ['inventoryLevelId'], message: "The inventory level wasn't found." }],
        };
      }
      const error = deactivate(level);
      return { userErrors: error === null ? [] : [error] };
    },

    inventoryBulkToggleActivation(args: {
      inventoryItemId: string;
      inventoryItemUpdates: { locationId: string; activate: boolean }[];
    }) {
      const what = item(args.inventoryItemId);
      const wrong = (code: string, field: string[], message: string) => ({
        inventoryItem: null,
        inventoryLevels: null,
        userErrors: [{ code, field, message }],
      });
      checkSize(args.inventoryItemUpdates.length);
      if (what === undefined) {
        return wrong('INVENTORY_ITEM_NOT_FOUND', ['inventoryItemId'], "The inventory item wasn't found.");
      }
      const levels: Level[] = [];
      for (const [index, update] of args.inventoryItemUpdates.entries()) {
        const field = ['inventoryItemUpdates', String(index), 'locationId'];
        const where = location(update.locationId);
        if (where === undefined || !where.active) {
          return wrong('LOCATION_NOT_FOUND', field, "The location wasn't found.");
        }
        const known = levelAt(what, where);
        if (!update.activate) {
          const error = known === undefined ? null : deactivate(known);
          if (error !== null) return wrong('COMMITTED_INVENTORY_AT_LOCATION', field, error.message);
          continue;
        }
        const level = known ?? addLevel(state, what, where, 0, Date.now());
        if (!level.active || known === undefined) publishLevel('INVENTORY_LEVELS_CONNECT', level);
        level.active = true;
        levels.push(level);
      }
      return { inventoryItem: views.item(what), inventoryLevels: levels.map(views.level), userErrors: [] };
    },

    inventoryItemUpdate(args: { id: string; input: { tracked?: boolean; sku?: string } }) {
      const what = item(args.id);
      if (what === undefined) {
        return {
          inventoryItem: null,
          userErrors: [
            { field: ['id'], message: "The inventory item couldn't be updated because it doesn't exist." },
          ],
        };
      }
      if (typeof args.input.tracked === 'boolean') what.tracked = args.input.tracked;
      if (typeof args.input.sku === 'string') {
        countSku(state, what.sku, -1);
        what.sku = args.input.sku;
        countSku(state, what.sku, 1);
      }
      what.updatedAt = wholeSeconds(Date.now());
      webhooks.publish({
        topic: 'INVENTORY_ITEMS_UPDATE',
        eventId: webhooks.newEventId(),
        subject: String(what.id),
        body: () => inventoryItemBody(what),
      });
      return { inventoryItem: views.item(what), userErrors: [] };
    },
  };
}

const adjustable = ['available', 'damaged', 'reserved', 'safety_stock', 'quality_control'];

/** Which stored or derived quantity a name compares and sets. */
function before(level: Level, name: string): number {
  if (name === 'on_hand') return onHand(level);
  return level.quantities[name as StoredName] ?? 0;
}

/** The key of a field's directive. Texts as seen in live answers of 2026-05. */
function keyOf(info: GraphQLResolveInfo): string {
  const directive = info.schema.getDirective('idempotent');
  const node = info.fieldNodes[0];
  const values =
    directive === null || directive === undefined || node === undefined
      ? undefined
      : getDirectiveValues(directive, node, info.variableValues);
  const key = values?.['key'];
  if (typeof key !== 'string' || key === '') {
    throw new GraphQLError('The @idempotent directive is required for this mutation but was not provided.', {
      extensions: { code: 'BAD_REQUEST' },
    });
  }
  return key;
}

/** What must be equal for two calls to be the same operation. */
export function fingerprintOf(field: string, args: unknown): string {
  return `${field} ${JSON.stringify(args, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )}`;
}

function keyError(code: KeyError): UserError {
  return { code, field: null, message: keyErrorTexts[code] };
}

function checkRows(rows: Row[], type: string): void {
  checkSize(rows.length);
  if (rows.some((row) => !('changeFromQuantity' in row))) {
    throw new GraphQLError(`${type} must include the following argument: changeFromQuantity.`, {
      extensions: { code: 'INVALID_FIELD_ARGUMENTS' },
    });
  }
}

/** SHP-5.1 and SHP-7: no input list is longer than 250. */
export function checkSize(size: number): void {
  if (size <= maxPage) return;
  throw new GraphQLError(
    `The input array size of ${size} is greater than the maximum allowed of ${maxPage}.`,
    { extensions: { code: 'MAX_INPUT_SIZE_EXCEEDED' } },
  );
}

/** SHP-5.1: 2026-10 has no code of its own for it any more. */
function notStocked(call: Call): [string, string, string] {
  return call.release === '2026-07'
    ? [
        'ITEM_NOT_STOCKED_AT_LOCATION',
        'locationId',
        'The specified inventory item is not stocked at the location.',
      ]
    : ['INVALID_LOCATION', 'locationId', 'The specified location could not be found.'];
}

function setBounds(quantity: number): [string, string, string] | null {
  if (quantity < 0) return ['INVALID_QUANTITY_NEGATIVE', 'quantity', "The quantity can't be negative."];
  if (quantity <= highest) return null;
  return ['INVALID_QUANTITY_TOO_HIGH', 'quantity', "The total quantity can't be higher than 1,000,000,000."];
}

function deltaBounds(delta: number): [string, string, string] | null {
  if (delta > highestDelta) {
    return ['INVALID_QUANTITY_TOO_HIGH', 'delta', "The quantity can't be higher than 2,000,000,000."];
  }
  if (delta >= -highestDelta) return null;
  return ['INVALID_QUANTITY_TOO_LOW', 'delta', "The quantity can't be lower than -2,000,000,000."];
}

function ledgerError(name: string, uri: string | null | undefined): [string, string, string] | null {
  const given = typeof uri === 'string' && uri !== '';
  if (name === 'available' && given) {
    return [
      'INVALID_AVAILABLE_DOCUMENT',
      'ledgerDocumentUri',
      'A ledger document URI is not allowed when adjusting available.',
    ];
  }
  if (name === 'available' || given) return null;
  return [
    'INVALID_QUANTITY_DOCUMENT',
    'ledgerDocumentUri',
    'A ledger document URI is required except when adjusting available.',
  ];
}

/** A URI with scheme and content; a gid needs app, entity and id (schema text, SHP-5.1). */
function validReference(uri: string | null | undefined): boolean {
  if (uri === null || uri === undefined) return true;
  if (uri.startsWith('gid://')) return /^gid:\/\/[^/]+\/[^/]+\/.+$/.test(uri);
  return /^[a-z][a-z0-9+.-]*:.+$/i.test(uri);
}
