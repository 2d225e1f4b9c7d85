import type { Rate } from '../kit/buckets.ts';
import type { Route } from './call.ts';
import type { Notifier } from './notifier.ts';
import { topics } from './notifier.ts';
import { invalid } from './refusal.ts';
import type { State } from './state.ts';
import { seconds } from './state.ts';

/** Who the seller is, where the stock lies, and who is told what (TTS-1.3, TTS-2.5 and TTS-3.3). */
export function accountRoutes(deps: {
  state: State;
  notifier: Notifier;
  rates: { read: Rate; write: Rate };
  isLoopback(uri: string): boolean;
}): Route[] {
  const { state, notifier, rates } = deps;
  const account = { scope: 'seller.authorization.info', rate: rates.read } as const;
  const { registrations } = notifier;

  const addressIn = (body: Record<string, unknown>): string => {
    const address = body['address'];
    if (typeof address !== 'string' || !fits(address, deps.isLoopback)) {
      throw invalid(
        `Invalid 'address': an https URL of a domain name, default port, 255 characters at most.`,
      );
    }
    return address;
  };
  const topicIn = (body: Record<string, unknown>): string => {
    const name = body['event_type'];
    const known = typeof name === 'string' && Object.hasOwn(topics, name);
    const missing = name === 'INVENTORY_STATUS_CHANGE' && state.faults.armed().includes('no_inventory_topic');
    if (!known || missing) throw invalid(`Invalid 'event_type': unknown event.`);
    return name;
  };

  return [
    {
      ...account,
      method: 'GET',
      domain: 'authorization',
      versions: ['202309'],
      rest: /^shops$/,
      noCipher: true,
      run: () => ({
        shops: [
          {
            id: state.seller.shopId,
            cipher: state.seller.cipher,
            code: state.seller.code,
            name: state.seller.name,
            region: state.seller.region,
            seller_type: 'LOCAL',
          },
        ],
      }),
    },
    {
      scope: 'seller.logistics',
      rate: rates.read,
      method: 'GET',
      domain: 'logistics',
      versions: ['202309'],
      rest: /^warehouses$/,
      run: () => ({ warehouses: warehouseRows(state) }),
    },
    {
      ...account,
      method: 'GET',
      domain: 'event',
      versions: ['202309'],
      rest: /^webhooks$/,
      run: () => ({
        total_count: registrations.size,
        webhooks: [...registrations].map(([event_type, one]) => ({
          event_type,
          address: one.address,
          create_time: seconds(one.createdAt),
          update_time: seconds(one.updatedAt),
        })),
      }),
    },
    {
      ...account,
      method: 'PUT',
      domain: 'event',
      versions: ['202309'],
      rest: /^webhooks$/,
      run({ body }) {
        const topic = topicIn(body);
        const address = addressIn(body);
        if (state.faults.hits('webhook_not_kept')) return {};
        const now = state.now();
        const createdAt = registrations.get(topic)?.createdAt ?? now;
        registrations.set(topic, { address, createdAt, updatedAt: now });
        return {};
      },
    },
    {
      ...account,
      method: 'DELETE',
      domain: 'event',
      versions: ['202309'],
      rest: /^webhooks$/,
      run({ body }) {
        registrations.delete(topicIn(body));
        return {};
      },
    },
  ];
}

/** TTS-2.4. Addresses on this machine are taken as they are: the sandbox calls no others. */
function fits(address: string, isLoopback: (uri: string) => boolean): boolean {
  if (address.length > 255) return false;
  if (isLoopback(address)) return true;
  if (!URL.canParse(address)) return false;
  const url = new URL(address);
  const isIp = /^[\d.]+$/.test(url.hostname) || url.hostname.startsWith('[');
  return url.protocol === 'https:' && url.port === '' && !isIp && url.hostname.includes('.');
}

function warehouseRows(state: State): Record<string, unknown>[] {
  const resting = state.faults.armed().includes('holiday_mode');
  return state.warehouses
    .filter(({ platform }) => !platform)
    .map((warehouse) => ({
      id: warehouse.id,
      name: warehouse.name,
      type: warehouse.type,
      sub_type: 'DOMESTIC_WAREHOUSE',
      effect_status: resting && warehouse.status === 'ENABLED' ? 'RESTRICTED' : warehouse.status,
      is_default: warehouse.isDefault,
      address: { region: 'United States', region_code: 'US', city: 'New York', postal_code: '10001' },
    }));
}
