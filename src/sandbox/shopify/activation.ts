import type { GraphQLResolveInfo } from 'graphql';
import { inventoryItemBody } from './bodies.ts';
import type { Call, Floor } from './floor.ts';
import { checkSize, idIn } from './gid.ts';
import type { Payload, UserError } from './idempotency.ts';
import { once, type Parts } from './inventory.ts';
import { wholeSeconds } from './moment.ts';
import { addLevel, countSku, itemOf, type Level, levelAt, locationOf, move, onHand } from './state.ts';

interface ActivateArgs {
  inventoryItemId: string;
  locationId: string;
  available?: number | null;
  onHand?: number | null;
}

/** Where an item is stocked (SHP-5.5), and whether it is counted at all. */
export class Activation {
  readonly #floor: Floor;
  readonly #parts: Parts;

  constructor(floor: Floor, parts: Parts) {
    this.#floor = floor;
    this.#parts = parts;
  }

  #activate(args: ActivateArgs, key: string, call: Call): Payload {
    const { ground, state } = this.#floor;
    const { views, shelves } = this.#parts;
    const what = itemOf(state, args.inventoryItemId);
    const where = locationOf(state, args.locationId);
    const wrong = (field: string, message: string) => ({ userErrors: [{ field: [field], message }] });
    if (what === undefined) {
      return wrong('inventoryItemId', "The product couldn't be stocked because it wasn't found.");
    }
    if (where === undefined || !where.active || ground.faults.hits('location_deactivated')) {
      return wrong('locationId', "The product couldn't be stocked because the location wasn't found.");
    }
    if (typeof args.available === 'number' && typeof args.onHand === 'number') {
      return wrong('available', "Available and on hand can't both be set.");
    }
    const known = levelAt(what, where);
    if (known?.active === true) return { inventoryLevel: views.level(known), userErrors: [] };
    const level = known ?? addLevel(state, what, { location: where, available: 0, at: Date.now() });
    const from = level.quantities.available;
    level.active = true;
    // Without a number the old quantities come back to life.
    const to =
      args.available ?? (typeof args.onHand === 'number' ? args.onHand - onHand(level) + from : from);
    move(level, 'available', to - from, Date.now());
    const write = { sku: what.sku, from: null, to, applied: true, answered: false, key };
    call.writes.push(ground.records.write(write));
    shelves.publish('INVENTORY_LEVELS_CONNECT', level);
    shelves.changed([level]);
    return { inventoryLevel: views.level(level), userErrors: [] };
  }

  #deactivate(level: Level): UserError[] {
    if (level.quantities.committed !== 0) {
      return [{ field: null, message: 'The inventory has committed units at this location.' }];
    }
    level.active = false;
    this.#parts.shelves.publish('INVENTORY_LEVELS_DISCONNECT', level);
    return [];
  }

  readonly inventoryBulkToggleActivation = (args: {
    inventoryItemId: string;
    inventoryItemUpdates: { locationId: string; activate: boolean }[];
  }) => {
    const { state } = this.#floor;
    const { views, shelves } = this.#parts;
    const what = itemOf(state, args.inventoryItemId);
    const wrong = (code: string, field: string[], message: string) => ({
      userErrors: [{ code, field, message }],
    });
    checkSize(args.inventoryItemUpdates.length);
    if (what === undefined) {
      return wrong('INVENTORY_ITEM_NOT_FOUND', ['inventoryItemId'], "The inventory item wasn't found.");
    }
    const levels: Level[] = [];
    for (const [index, update] of args.inventoryItemUpdates.entries()) {
      const field = ['inventoryItemUpdates', String(index), 'locationId'];
      const where = locationOf(state, update.locationId);
      if (where === undefined || !where.active) {
        return wrong('LOCATION_NOT_FOUND', field, "The location wasn't found.");
      }
      const known = levelAt(what, where);
      if (!update.activate) {
        const [error] = known === undefined ? [] : this.#deactivate(known);
        if (error !== undefined) return wrong('COMMITTED_INVENTORY_AT_LOCATION', field, error.message);
        continue;
      }
      const level = known ?? addLevel(state, what, { location: where, available: 0, at: Date.now() });
      if (!level.active || known === undefined) shelves.publish('INVENTORY_LEVELS_CONNECT', level);
      level.active = true;
      levels.push(level);
    }
    return { inventoryItem: views.item(what), inventoryLevels: levels.map(views.level), userErrors: [] };
  };

  readonly inventoryItemUpdate = (args: { id: string; input: { tracked?: boolean; sku?: string } }) => {
    const { state, webhooks } = this.#floor;
    const what = itemOf(state, args.id);
    if (what === undefined) {
      const message = "The inventory item couldn't be updated because it doesn't exist.";
      return { userErrors: [{ field: ['id'], message }] };
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
    return { inventoryItem: this.#parts.views.item(what), userErrors: [] };
  };

  readonly inventoryActivate = (args: ActivateArgs, call: Call, info: GraphQLResolveInfo) =>
    once(this.#parts.memory, { info, args }, (key) => this.#activate(args, key, call));

  readonly inventoryDeactivate = (args: { inventoryLevelId: string }) => {
    const id = idIn(args.inventoryLevelId, 'InventoryLevel');
    const level = this.#floor.state.items.flatMap(({ levels }) => levels).find((one) => one.id === id);
    const missing = [{ field: ['inventoryLevelId'], message: "The inventory level wasn't found." }];
    return { userErrors: level === undefined ? missing : this.#deactivate(level) };
  };
}
