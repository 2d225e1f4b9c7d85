import type { Rate } from '../kit/buckets.ts';
import { isLoopback } from '../kit/caller.ts';
import { invalid, type Route, route } from './call.ts';
import { type Notifier, topics } from './notifier.ts';
import { type State, seconds } from './state.ts';

/** Who the seller is, where the stock lies, and who is told what (TTS-1.3, TTS-2.5 and TTS-3.3). */
export function accountRoutes(state: State, { registrations }: Notifier, rate: Rate): Route[] {
  const account = { scope: 'seller.authorization.info', rate };
  const logistics = { scope: 'seller.logistics', rate };
  const { shopId: id, cipher, code, name, region } = state.seller;
  const shops = [{ id, cipher, code, name, region, seller_type: 'LOCAL' }];
  const webhooks = '/event/202309/webhooks';
  return [
    route('GET /authorization/202309/shops', { ...account, noCipher: true }, () => ({ shops })),
    route('GET /logistics/202309/warehouses', logistics, () => ({ warehouses: warehouseRows(state) })),
    route(`GET ${webhooks}`, account, () => ({
      total_count: registrations.size,
      webhooks: [...registrations].map(([event_type, one]) => ({
        event_type,
        address: one.address,
        create_time: seconds(one.createdAt),
        update_time: seconds(one.updatedAt),
      })),
    })),
    route(`PUT ${webhooks}`, account, ({ body }) => {
      const topic = topicIn(state, body);
      const address = addressIn(body);
      if (state.faults.hits('webhook_not_kept')) return {};
      const now = state.now();
      const createdAt = registrations.get(topic)?.createdAt ?? now;
      registrations.set(topic, { address, createdAt, updatedAt: now });
      return {};
    }),
    route(`DELETE ${webhooks}`, account, ({ body }) => {
      registrations.delete(topicIn(state, body));
      return {};
    }),
  ];
}

function addressIn({ address }: Record<string, unknown>): string {
  if (typeof address === 'string' && fits(address)) return address;
  throw invalid(`Invalid 'address': an https URL of a domain name, default port, 255 characters at most.`);
}

function topicIn({ faults }: State, { event_type: name }: Record<string, unknown>): string {
  const known = typeof name === 'string' && Object.hasOwn(topics, name);
  const missing = name === 'INVENTORY_STATUS_CHANGE' && faults.armed().includes('no_inventory_topic');
  if (!known || missing) throw invalid(`Invalid 'event_type': unknown event.`);
  return name;
}

/** TTS-2.4. Addresses on this machine are taken as they are: the sandbox calls no others. */
function fits(address: string): boolean {
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
