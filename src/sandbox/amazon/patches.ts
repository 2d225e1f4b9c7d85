import { z } from 'zod';
import type { WriteRecord } from '../kit/records.ts';
import { platformMs } from '../kit/time.ts';
import type { Floor } from './notifier.ts';
import { invalidInput } from './problem.ts';
import {
  isMerchantFulfilled,
  isPlatformFulfilled,
  type Listing,
  type Site,
  setNumberSlowly,
} from './site.ts';

/** What a patch says about a listing and what it does to it (AMZ-5.1 to 5.4, last verified 2026-11). */

export interface Issue {
  code: string;
  message: string;
  severity: 'ERROR' | 'WARNING' | 'INFO';
  attributeNames?: string[];
  categories: string[];
}

const patchSchema = z.object({
  productType: z.string().min(1),
  patches: z
    .array(
      z.object({
        op: z.enum(['add', 'replace', 'merge', 'delete']),
        path: z.string(),
        value: z.array(z.record(z.string(), z.unknown())).optional(),
      }),
    )
    .min(1),
});

export type PatchRequest = z.infer<typeof patchSchema>;
type Operation = PatchRequest['patches'][number];

/** Reads a request or a feed message. Throws Problem 400 for what cannot be parsed. */
export function readPatch(body: unknown): PatchRequest {
  const parsed = patchSchema.safeParse(body);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join('.') ?? '';
  throw invalidInput('Request has missing or invalid parameters and cannot be parsed.', where);
}

/** Where a listing's availability would go. */
type Target = Pick<Listing, 'channelCode' | 'quantity' | 'leadTimeDays' | 'restockDate' | 'title'>;

/** Looks at a patch without obeying it: what VALIDATION_PREVIEW answers. No target: an issue forbids it. */
export function judge(
  listing: Listing | undefined,
  request: PatchRequest,
): { issues: Issue[]; target: Target | null } {
  if (listing === undefined) {
    const message = 'The SKU does not exist in the catalog of this selling partner.';
    return { issues: [error('13013', message, [], 'INVALID_ATTRIBUTE')], target: null };
  }
  const issues: Issue[] = [];
  if (request.productType !== 'PRODUCT' && request.productType !== listing.productType) {
    const message = `The provided product type '${request.productType}' does not match the listing's.`;
    issues.push(error('4000004', message, ['productType'], 'INVALID_ATTRIBUTE'));
  }
  const { channelCode, quantity, leadTimeDays, restockDate, title } = listing;
  let target: Target = { channelCode, quantity, leadTimeDays, restockDate, title };
  for (const operation of request.patches) {
    const found = operationIssues(listing, operation);
    issues.push(...found);
    if (found.length === 0) target = applied(target, operation);
  }
  const refused = issues.some(({ severity }) => severity === 'ERROR');
  return { issues, target: refused ? null : target };
}

function operationIssues(listing: Listing, { op, path, value }: Operation): Issue[] {
  const attribute = /^\/attributes\/([a-z_]+)$/.exec(path)?.[1];
  if (attribute === undefined) {
    const message = `The path '${path}' is not supported: only top-level attributes can be patched.`;
    return [error('4000001', message, [], 'INVALID_ATTRIBUTE')];
  }
  if (value === undefined || value.length === 0) {
    if (op === 'delete') return [];
    return [error('90220', `'${attribute}' is required but not supplied.`, [attribute], 'MISSING_ATTRIBUTE')];
  }
  if (attribute !== 'fulfillment_availability') return [];
  return value.flatMap((element) => elementIssues(listing, op, element));
}

const known = new Set([
  'fulfillment_channel_code',
  'quantity',
  'lead_time_to_ship_max_days',
  'restock_date',
  'is_inventory_available',
  'marketplace_id',
]);

function elementIssues(listing: Listing, op: Operation['op'], element: Record<string, unknown>): Issue[] {
  const wrong = (code: string, name: string, message: string) => [
    error(code, message, [`fulfillment_availability.${name}`], 'INVALID_ATTRIBUTE'),
  ];
  const stranger = Object.keys(element).find((key) => !known.has(key));
  if (stranger !== undefined) {
    return wrong('90000900', stranger, `The attribute '${stranger}' is unknown.`);
  }
  const code = element['fulfillment_channel_code'];
  if (typeof code !== 'string' || code === '') {
    const message = `'fulfillment_channel_code' is required but not supplied: '${op}' needs a selector.`;
    return wrong('90220', 'fulfillment_channel_code', message);
  }
  if (code !== 'DEFAULT' && code !== listing.channelCode) {
    const message = `The value '${code}' is not allowed for this selling partner.`;
    return wrong('90244', 'fulfillment_channel_code', message);
  }
  const quantity = element['quantity'];
  if (code.startsWith('AMAZON') && quantity !== undefined) {
    return wrong('99010', 'quantity', 'A quantity cannot be given for this fulfillment channel.');
  }
  if (quantity !== undefined && (!Number.isInteger(quantity) || Number(quantity) < 0)) {
    return wrong('90000927', 'quantity', `The value '${String(quantity)}' is not a whole number from 0 on.`);
  }
  const lead = element['lead_time_to_ship_max_days'];
  if (lead !== undefined && (!Number.isInteger(lead) || Number(lead) < 0 || Number(lead) > 30)) {
    const message = `The value '${String(lead)}' is not allowed.`;
    return wrong('90000927', 'lead_time_to_ship_max_days', message);
  }
  return [];
}

const nothing = { quantity: 0, leadTimeDays: null, restockDate: null };

/** `replace` and `add` overwrite the whole element: what they do not name is gone (AMZ-5.1). */
function applied(target: Target, { op, path, value = [] }: Operation): Target {
  const [element] = value;
  if (path === '/attributes/item_name') {
    const title = element?.['value'];
    return op !== 'delete' && typeof title === 'string' ? { ...target, title } : target;
  }
  if (path !== '/attributes/fulfillment_availability') return target;
  if (op === 'delete' || element === undefined) {
    return { ...target, ...nothing, channelCode: null };
  }
  const code = String(element['fulfillment_channel_code']);
  // A listing has one element here: another code replaces it, whatever the operation.
  const fresh = op !== 'merge' || code !== target.channelCode;
  const base = fresh ? nothing : target;
  const lead = element['lead_time_to_ship_max_days'];
  const restock = element['restock_date'];
  return {
    title: target.title,
    channelCode: code,
    quantity: typeof element['quantity'] === 'number' ? element['quantity'] : base.quantity,
    leadTimeDays: typeof lead === 'number' ? lead : base.leadTimeDays,
    restockDate: typeof restock === 'string' ? restock : base.restockDate,
  };
}

function error(code: string, message: string, attributeNames: string[], category: string): Issue {
  return { code, message, severity: 'ERROR', attributeNames, categories: [category] };
}

/** How long an accepted number stays invisible: mostly seconds, now and then minutes (AMZ-5.1). */
function drawSettleMs(site: Site): number {
  const [least, most] = site.random.chance(0.2) ? [30_000, 180_000] : [2_000, 30_000];
  return platformMs(site.random.int(least, most), site.timeScale);
}

/**
 * Obeys an accepted patch. The number can be bought at once and is seen after the settle time; under `patch_late` it
 * is bought late, too; under `patch_lost` never. Answers the record of the write, null where no number was told.
 */
export function obey(floor: Floor, listing: Listing, request: PatchRequest, target: Target) {
  const { sku, quantity: from } = listing;
  const write = { sku, from, to: target.quantity, applied: false, answered: false, key: null };
  const record = numberIsTold(request) ? floor.records.write(write) : null;
  if (floor.faults.hits('patch_lost')) return record;
  const lateMs = floor.faults.dueMs('patch_late');
  const run = () => land(floor, listing, request, record);
  if (lateMs === null) run();
  else floor.agenda.add({ afterMs: lateMs, group: 'patches', run });
  return record;
}

/** Judged again: between acceptance and landing the listing may have become another. */
function land(floor: Floor, listing: Listing, request: PatchRequest, record: WriteRecord | null): void {
  const { target } = judge(listing, request);
  if (target === null) return;
  noteDamage(floor, listing, request, target);
  const { quantity, ...rest } = target;
  Object.assign(listing, rest, { updatedAt: floor.now() });
  if (record === null) return;
  record.applied = true;
  setNumberSlowly(floor, listing, quantity, drawSettleMs(floor));
  if (isMerchantFulfilled(listing)) floor.notifier.numberChanged(listing);
}

function numberIsTold(request: PatchRequest): boolean {
  return request.patches.some(
    ({ op, path, value }) =>
      path === '/attributes/fulfillment_availability' &&
      (op !== 'merge' || value?.some((element) => 'quantity' in element) === true),
  );
}

function noteDamage(site: Site, listing: Listing, request: PatchRequest, target: Target): void {
  const named = (field: string) =>
    request.patches.some(({ value }) => value?.some((element) => field in element) === true);
  const fields = [
    ['leadTimeDays', 'lead_time_to_ship_max_days'],
    ['restockDate', 'restock_date'],
  ] as const;
  const wiped = fields
    .filter(([own, field]) => listing[own] !== null && target[own] === null && !named(field))
    .map(([, field]) => field);
  if (wiped.length > 0) site.records.damage(`WIPED ${wiped.join(',')} ${listing.sku}`);
  if (isPlatformFulfilled(listing) && target.channelCode !== listing.channelCode) {
    site.records.damage(`FLIPPED ${listing.channelCode} ${listing.sku}`);
  }
}
