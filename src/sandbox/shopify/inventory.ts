import { GraphQLError, type GraphQLResolveInfo, getDirectiveValues } from 'graphql';
import type { Random } from '../kit/random.ts';
import type { Call, Floor } from './floor.ts';
import { checkSize, gid } from './gid.ts';
import { type IdempotencyMemory, keyErrorTexts, type Payload, type UserError } from './idempotency.ts';
import { utc } from './moment.ts';
import type { Orders } from './orders.ts';
import type { Shelves } from './shelves.ts';
import {
  activeLevelAt,
  type InventoryItem,
  itemOf,
  type Level,
  levelAt,
  locationOf,
  move,
  onHand,
  type StoredName,
} from './state.ts';
import type { Views } from './views.ts';

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

type Kind = 'set' | 'adjust';

export interface Parts {
  views: Views;
  orders: Orders;
  shelves: Shelves;
  memory: IdempotencyMemory;
}

/** A row with what it names. */
interface Change {
  row: Row;
  item: InventoryItem | undefined;
  level: Level | undefined;
  delta: number;
}

/** Why a row is refused: code, the row's field (empty: the row itself), message. */
type Wrong = readonly [code: string, field: string, message: string];

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

/** Which quantities a call may name, and how it is told that it named another. */
const names = {
  set: {
    known: ['available', 'on_hand'],
    code: 'INVALID_NAME',
    message: "The quantity name must be either 'available' or 'on_hand'.",
  },
  adjust: {
    known: ['available', 'damaged', 'reserved', 'safety_stock', 'quality_control'],
    code: 'INVALID_QUANTITY_NAME',
    message: 'The specified quantity name is invalid.',
  },
};

const wrong = {
  item: ['INVALID_INVENTORY_ITEM', 'inventoryItemId', 'The specified inventory item could not be found.'],
  location: ['INVALID_LOCATION', 'locationId', 'The specified location could not be found.'],
  twice: [
    'NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR',
    '',
    'The combination of inventoryItemId and locationId must be unique.',
  ],
  bundle: [
    'NON_MUTABLE_INVENTORY_ITEM',
    'inventoryItemId',
    'The specified inventory item is not allowed to be adjusted via API.',
  ],
  notStocked: [
    'ITEM_NOT_STOCKED_AT_LOCATION',
    'locationId',
    'The specified inventory item is not stocked at the location.',
  ],
  stale: [
    'CHANGE_FROM_QUANTITY_STALE',
    'changeFromQuantity',
    'The changeFromQuantity argument no longer matches the persisted quantity.',
  ],
  negative: ['INVALID_QUANTITY_NEGATIVE', 'quantity', "The quantity can't be negative."],
  tooHigh: [
    'INVALID_QUANTITY_TOO_HIGH',
    'quantity',
    "The total quantity can't be higher than 1,000,000,000.",
  ],
  deltaTooHigh: ['INVALID_QUANTITY_TOO_HIGH', 'delta', "The quantity can't be higher than 2,000,000,000."],
  deltaTooLow: ['INVALID_QUANTITY_TOO_LOW', 'delta', "The quantity can't be lower than -2,000,000,000."],
  ledgerGiven: [
    'INVALID_AVAILABLE_DOCUMENT',
    'ledgerDocumentUri',
    'A ledger document URI is not allowed when adjusting available.',
  ],
  ledgerMissing: [
    'INVALID_QUANTITY_DOCUMENT',
    'ledgerDocumentUri',
    'A ledger document URI is required except when adjusting available.',
  ],
} satisfies Record<string, Wrong>;

/**
 * Setting and adjusting with the run-time rules that the schema does not show (SHP-5.1, SHP-11.1): the directive and
 * the compare field must be present, lists hold 250 entries at most, and a call with any user error changes nothing.
 */
export class Inventory {
  readonly #floor: Floor;
  readonly #parts: Parts;
  readonly #random: Random;

  constructor(floor: Floor, parts: Parts) {
    this.#floor = floor;
    this.#parts = parts;
    this.#random = floor.ground.random.fork('inventory');
  }

  readonly inventorySetQuantities = (args: { input: StockInput }, call: Call, info: GraphQLResolveInfo) =>
    this.#change('set', args, { call, info });

  readonly inventoryAdjustQuantities = (args: { input: StockInput }, call: Call, info: GraphQLResolveInfo) =>
    this.#change('adjust', args, { call, info });

  #change(kind: Kind, args: { input: StockInput }, asked: { call: Call; info: GraphQLResolveInfo }) {
    const { input } = args;
    const rows = (kind === 'set' ? input.quantities : input.changes) ?? [];
    checkRows(rows, kind === 'set' ? 'InventoryQuantityInput' : 'InventoryChangeInput');
    return once(this.#parts.memory, { info: asked.info, args }, (key) =>
      this.#write(kind, input, { rows, key, call: asked.call }),
    );
  }

  #write(kind: Kind, input: StockInput, how: { rows: Row[]; key: string; call: Call }): Payload {
    const { rows, key, call } = how;
    this.#disturb(rows);
    const closed = this.#floor.ground.faults.hits('location_deactivated');
    const errors = [...headErrors(kind, input), ...this.#rowErrors(kind, input, { rows, call, closed })];
    const applied = errors.length === 0;
    const changes = rows.map((row) => this.#changeOf(kind, input.name, row));
    for (const { row, item, level } of changes) {
      const from = level === undefined ? null : before(level, input.name);
      const to = kind === 'set' ? (row.quantity ?? 0) : (from ?? 0) + (row.delta ?? 0);
      const write = { sku: item?.sku ?? '', from, to, applied, answered: false, key };
      call.writes.push(this.#floor.ground.records.write(write));
    }
    if (!applied) return { userErrors: errors };
    return this.#apply(input, changes);
  }

  #changeOf(kind: Kind, name: string, row: Row): Change {
    const item = itemOf(this.#floor.state, row.inventoryItemId);
    const where = locationOf(this.#floor.state, row.locationId);
    const level = item === undefined || where === undefined ? undefined : levelAt(item, where);
    const now = level === undefined ? 0 : before(level, name);
    return { row, item, level, delta: kind === 'set' ? (row.quantity ?? 0) - now : (row.delta ?? 0) };
  }

  #apply(input: StockInput, changes: Change[]): Payload {
    const { views, shelves } = this.#parts;
    const at = Date.now();
    const shown: { name: string; level: Level }[] = [];
    const moved: Level[] = [];
    for (const { level, delta, row } of changes) {
      if (level === undefined || delta === 0) continue;
      const name: StoredName = input.name === 'on_hand' ? 'available' : (input.name as StoredName);
      move(level, name, delta, at);
      if (name === 'available') moved.push(level);
      for (const one of name === 'available' || name === 'damaged' ? [name, 'on_hand'] : [name]) {
        const change = {
          name: one,
          delta,
          quantityAfterChange: before(level, one),
          ledgerDocumentUri: row.ledgerDocumentUri,
          item: () => views.item(level.item),
          location: () => views.location(level.location),
          level,
        };
        shown.push(change);
      }
    }
    shelves.changed(moved);
    return { inventoryAdjustmentGroup: this.#group(input, shown, at), userErrors: [] };
  }

  /** A call that changes nothing makes no adjustment group. */
  #group(input: StockInput, shown: { name: string; level: Level }[], at: number) {
    if (shown.length === 0) return null;
    return {
      __typename: 'InventoryAdjustmentGroup',
      id: gid('InventoryAdjustmentGroup', this.#floor.state.ids.next('InventoryAdjustmentGroup')),
      createdAt: utc(at),
      reason: input.reason,
      referenceDocumentUri: input.referenceDocumentUri,
      app: this.#parts.views.app,
      changes: (
        filter: Partial<Record<'quantityNames' | 'inventoryItemIds' | 'locationIds', string[] | null>>,
      ) =>
        shown.filter(
          ({ name, level }) =>
            (filter.quantityNames?.includes(name) ?? true) &&
            (filter.inventoryItemIds?.includes(gid('InventoryItem', level.item.id)) ?? true) &&
            (filter.locationIds?.includes(gid('Location', level.location.id)) ?? true),
        ),
    };
  }

  /** What the platform's own life does to a write that is on its way (faults). */
  #disturb(rows: Row[]) {
    const { state, ground } = this.#floor;
    const { orders, shelves } = this.#parts;
    const { faults } = ground;
    const named = rows.flatMap((row) => itemOf(state, row.inventoryItemId) ?? []);
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
      shelves.publish('INVENTORY_LEVELS_DISCONNECT', level);
    }
    if (faults.hits('draft_reservation')) shelves.reserveDraft(first, this.#random.int(1, 2));
  }

  #rowErrors(
    kind: Kind,
    input: StockInput,
    check: { rows: Row[]; call: Call; closed: boolean },
  ): UserError[] {
    const list = kind === 'set' ? 'quantities' : 'changes';
    const seen = new Set<string>();
    return check.rows.flatMap((row, index) => {
      const pair = `${row.inventoryItemId} ${row.locationId}`;
      const twice = kind === 'set' && seen.has(pair);
      seen.add(pair);
      const found =
        (kind === 'set' ? setError(row.quantity ?? 0) : adjustError(input.name, row)) ??
        this.#rowError(input.name, row, { ...check, twice });
      if (found === null) return [];
      const [code, field, message] = found;
      return [{ code, field: ['input', list, String(index), ...(field === '' ? [] : [field])], message }];
    });
  }

  #rowError(
    name: string,
    row: Row,
    { call, closed, twice }: { call: Call; closed: boolean; twice: boolean },
  ): Wrong | null {
    const item = itemOf(this.#floor.state, row.inventoryItemId);
    if (item === undefined) return wrong.item;
    const where = locationOf(this.#floor.state, row.locationId);
    if (where === undefined || !where.active || closed) return wrong.location;
    if (twice) return wrong.twice;
    if (item.variants.some(({ components }) => components.length > 0)) return wrong.bundle;
    const level = activeLevelAt(item, where);
    // SHP-5.1: 2026-10 has no code of its own for it any more.
    if (level === undefined) return call.release === '2026-07' ? wrong.notStocked : wrong.location;
    const base = row.changeFromQuantity ?? null;
    return base !== null && base !== before(level, name) ? wrong.stale : null;
  }
}

/** Which stored or derived quantity a name compares and sets. */
function before(level: Level, name: string): number {
  if (name === 'on_hand') return onHand(level);
  return level.quantities[name as StoredName] ?? 0;
}

function headErrors(kind: Kind, input: StockInput): UserError[] {
  const { known, code, message } = names[kind];
  const errors: [valid: boolean, field: string, code: string, message: string][] = [
    [known.includes(input.name), 'name', code, message],
    [reasons.has(input.reason), 'reason', 'INVALID_REASON', 'The specified reason is invalid.'],
    [
      validReference(input.referenceDocumentUri),
      'referenceDocumentUri',
      'INVALID_REFERENCE_DOCUMENT',
      'The specified reference document is invalid.',
    ],
  ];
  return errors.flatMap(([valid, field, code, message]) =>
    valid ? [] : [{ code, field: ['input', field], message }],
  );
}

function setError(quantity: number): Wrong | null {
  if (quantity < 0) return wrong.negative;
  return quantity > highest ? wrong.tooHigh : null;
}

function adjustError(name: string, { delta = 0, ledgerDocumentUri }: Row): Wrong | null {
  if (delta > highestDelta) return wrong.deltaTooHigh;
  if (delta < -highestDelta) return wrong.deltaTooLow;
  const given = (ledgerDocumentUri ?? '') !== '';
  if (name === 'available') return given ? wrong.ledgerGiven : null;
  return given ? null : wrong.ledgerMissing;
}

/** Runs an operation once per key; a key that failed stays failed. */
export function once(
  memory: IdempotencyMemory,
  asked: { info: GraphQLResolveInfo; args: unknown },
  run: (key: string) => Payload,
): Payload {
  const key = keyOf(asked.info);
  const opened = memory.open(key, fingerprintOf(asked.info.fieldName, asked.args));
  if (opened.kind === 'replay') return opened.result;
  if (opened.kind === 'refused') {
    const { error: code } = opened;
    return { userErrors: [{ code, field: null, message: keyErrorTexts[code] }] };
  }
  const result = run(key);
  memory.close(key, result);
  return result;
}

/** The key of a field's directive. Texts as seen in live answers of 2026-05. */
function keyOf({ schema, fieldNodes, variableValues }: GraphQLResolveInfo): string {
  const directive = schema.getDirective('idempotent');
  const [node] = fieldNodes;
  const values =
    directive && node !== undefined ? getDirectiveValues(directive, node, variableValues) : undefined;
  const key = values?.['key'];
  if (typeof key === 'string' && key !== '') return key;
  throw new GraphQLError('The @idempotent directive is required for this mutation but was not provided.', {
    extensions: { code: 'BAD_REQUEST' },
  });
}

/** What must be equal for two calls to be the same operation. */
function fingerprintOf(field: string, args: unknown): string {
  return `${field} ${JSON.stringify(args, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )}`;
}

function checkRows(rows: Row[], type: string): void {
  checkSize(rows.length);
  if (rows.every((row) => 'changeFromQuantity' in row)) return;
  throw new GraphQLError(`${type} must include the following argument: changeFromQuantity.`, {
    extensions: { code: 'INVALID_FIELD_ARGUMENTS' },
  });
}

/** A URI with scheme and content; a gid needs app, entity and id (schema text, SHP-5.1). */
function validReference(uri: string | null | undefined): boolean {
  if (uri === null || uri === undefined) return true;
  if (uri.startsWith('gid://')) return /^gid:\/\/[^/]+\/[^/]+\/.+$/.test(uri);
  return /^[a-z][a-z0-9+.-]*:.+$/i.test(uri);
}
