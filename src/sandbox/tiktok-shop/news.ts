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

/** Something that is told, once, to the address of its topic. */
export interface Letter {
  topic: string;
  /** Id of what it is about, for the records. */
  subject: string;
  order: Order | null;
  /** The same bytes at each attempt. */
  body: Buffer;
}

/** Who hears of what. */
export interface News {
  registrations: Map<string, Registration>;
  tell(topic: string, subject: string, data: Record<string, unknown>, order?: Order): void;
}

/** Opens the news desk; `send` delivers. Topics without an address are told to nobody. */
export function createNews(deps: {
  state: State;
  send(letter: Letter): void;
  /** A shop that exists elsewhere. */
  foreignShopId: string;
}): News {
  const { state, send, foreignShopId } = deps;
  const registrations = new Map<string, Registration>();

  const bodyOf = (topic: string, data: Record<string, unknown>): Buffer => {
    const shop_id = state.faults.hits('wrong_shop') ? foreignShopId : state.seller.shopId;
    const id = state.ids.notification();
    const text = JSON.stringify({
      type: topics[topic],
      ...(state.faults.hits('no_notification_id') ? {} : { tts_notification_id: id }),
      shop_id,
      timestamp: Math.floor(state.now() / 1000),
      data,
    });
    const bare = state.faults.hits('numeric_ids');
    return Buffer.from(bare ? text.replace(/"(\d{16,})"/g, '$1') : text);
  };

  return {
    registrations,
    tell(topic, subject, data, order) {
      if (!registrations.has(topic)) return;
      send({ topic, subject, order: order ?? null, body: bodyOf(topic, data) });
    },
  };
}
