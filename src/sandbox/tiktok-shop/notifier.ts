import { hears } from '../kit/orders.ts';
import { createSender, type Ladder } from '../kit/sender.ts';
import { deliverySignature } from './sign.ts';
import type { Order, State } from './state.ts';

/** The topics that can be registered, and the number that each carries in the body (TTS-2.2). */
export const topics: Readonly<Record<string, number>> = {
  ORDER_STATUS_CHANGE: 1,
  REVERSE_STATUS_UPDATE: 2,
  RECIPIENT_ADDRESS_UPDATE: 3,
  PACKAGE_UPDATE: 4,
  PRODUCT_STATUS_CHANGE: 5,
  SELLER_DEAUTHORIZATION: 6,
  UPCOMING_AUTHORIZATION_EXPIRATION: 7,
  CANCELLATION_STATUS_CHANGE: 11,
  RETURN_STATUS_CHANGE: 12,
  PRODUCT_INFORMATION_CHANGE: 15,
  PRODUCT_CREATION: 16,
  INVENTORY_STATUS_CHANGE: 27,
  PRODUCT_AUDIT_STATUS_CHANGE: 37,
};

/** One registered address: a topic has one (TTS-2.5). */
interface Registration {
  address: string;
  createdAt: number;
  updatedAt: number;
}

/** Who hears of what. */
export type Notifier = ReturnType<typeof createNotifier>;

// TTS-2.4: nothing but 200 is an acknowledgement; after the last repeat the delivery is lost.
const ladder: Ladder = {
  retriesMs: [120_000, 1_800_000, 10_800_000, 43_200_000],
  acknowledged: (status) => status === 200,
  delayMs: [100, 3_000],
  reorderMs: [3_000, 15_000],
};

/** Tells (TTS-2). Topics without an address are told to nobody. */
export function createNotifier(state: State, app: { appKey: string; appSecret: string }) {
  const { faults } = state;
  const send = createSender(state, ladder);
  const registrations = new Map<string, Registration>();
  /** A shop that exists elsewhere. */
  const foreignShopId = state.ids.shop();

  const bodyOf = (topic: string, data: Record<string, unknown>): Buffer => {
    const shop_id = faults.hits('wrong_shop') ? foreignShopId : state.seller.shopId;
    const id = state.ids.notification();
    const text = JSON.stringify({
      type: topics[topic],
      ...(faults.hits('no_notification_id') ? {} : { tts_notification_id: id }),
      shop_id,
      timestamp: Math.floor(state.now() / 1000),
      data,
    });
    const bare = faults.hits('numeric_ids');
    return Buffer.from(bare ? text.replace(/"(\d{16,})"/g, '$1') : text);
  };

  const headersOf = (body: Buffer): Record<string, string> => {
    const headers = { 'Content-Type': 'application/json', 'User-Agent': 'Go-http-client/1.1' };
    if (faults.hits('unsigned')) return headers;
    const key = faults.hits('wrong_recipe') ? '' : app.appKey;
    const secret = faults.hits('bad_signature') ? `${app.appSecret}x` : app.appSecret;
    return { ...headers, Authorization: deliverySignature(key, secret, body) };
  };

  /**
   * An order is told of several times without any change of its units (paid, on hold, to be shipped): whose first message
   * is lost, the rest is lost as well, until units move again. Else the fault would take next to nothing.
   */
  const isLost = (order: Order | null): boolean => {
    if (order !== null && order.lostRevision === order.revision) return true;
    if (!faults.hits('drop_webhook')) return false;
    if (order !== null) order.lostRevision = order.revision;
    return true;
  };

  return {
    registrations,
    tell(topic: string, subject: string, data: Record<string, unknown>, order: Order | null = null): void {
      if (!registrations.has(topic)) return;
      const body = bodyOf(topic, data);
      send({
        topic,
        subject,
        isLost: () => isLost(order),
        write() {
          const uri = registrations.get(topic)?.address;
          return uri === undefined ? null : { uri, headers: headersOf(body), body };
        },
        leaving: () => hears(order),
        ended(taken) {
          if (!taken && faults.hits('given_up_unsubscribes')) registrations.delete(topic);
        },
      });
    },
  };
}
