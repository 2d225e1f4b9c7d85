import eBayApi from 'ebay-api';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Loose, listing, NOON, sell, shown } from '../kit/shop-stage.ts';
import {
  destinationBody,
  type Receiver,
  type Stage,
  startReceiver,
  startShop,
  subscriptionBody,
} from '../sandbox/ebay/world.ts';
import { type Wire, wireTo } from './wire.ts';

/**
 * The sandbox shop judged by `ebay-api`, a client that others run against the real platform. Its hosts are fixed
 * (api.ebay.com); it takes the settings of its HTTP library (`axiosConfig`), and the agent that it gets there connects
 * to the shop on loopback. Nothing of the client is replaced.
 */

const root = 'https://api.ebay.com/oauth/api_scope';
const userScopes = [
  root,
  ...['sell.inventory', 'sell.fulfillment', 'sell.account', 'commerce.notification.subscription'].map(
    (name) => `${root}/${name}`,
  ),
];

let stage: Stage;
let wire: Wire;
beforeEach(async () => {
  stage = await startShop();
  wire = wireTo(stage.shop.url);
});

function clientOf(over: { scope?: string[]; certId?: string; autoRefreshToken?: boolean } = {}): eBayApi {
  const { clientId, clientSecret, devId, ruName } = stage.shop.credentials;
  return new eBayApi({
    appId: clientId,
    certId: clientSecret,
    devId,
    ruName,
    sandbox: false,
    siteId: eBayApi.SiteId.EBAY_US,
    scope: userScopes,
    axiosConfig: { httpsAgent: wire.agent, proxy: false },
    ...over,
  });
}

/** With the seller's refresh token, and an access token that is none: the client has to get one itself. */
function seller(over: Parameters<typeof clientOf>[0] & { refreshToken?: string } = {}): eBayApi {
  const { refreshToken = stage.shop.credentials.refreshToken, ...rest } = over;
  const client = clientOf(rest);
  client.OAuth2.setCredentials({
    access_token: 'v^1.1#none',
    refresh_token: refreshToken,
    refresh_token_expires_in: 47_304_000,
    expires_in: 7_200,
    token_type: 'User Access Token',
  });
  return client;
}

/** The same with a good access token. */
async function signedIn(): Promise<eBayApi> {
  const client = seller();
  await client.OAuth2.refreshToken();
  return client;
}

/** Without a seller the client works with a token of the application. */
const application = () => clientOf({ scope: [root] });

const routes = () =>
  stage.shop
    .records()
    .calls.flatMap((call) => (call.kind === 'request' ? [`${call.route} ${call.status}`] : []));

describe('tokens, as ebay-api asks for them', () => {
  test('a refresh token brings an access token that lives two hours of the platform', async () => {
    const token: Loose = await seller().OAuth2.refreshToken();
    expect(token).toMatchObject({
      access_token: expect.stringMatching(/^v\^1\.1#/),
      token_type: 'User Access Token',
      expires_in: 7,
      refresh_token: stage.shop.credentials.refreshToken,
    });
    expect([...wire.hosts]).toEqual(['api.ebay.com']);
  });

  test('a code of the consent page brings a refresh token that works', async () => {
    const token = await clientOf().OAuth2.getToken(stage.shop.consent());
    const again = seller({ refreshToken: token.refresh_token });
    expect((await again.OAuth2.refreshToken()).access_token).not.toBe(token.access_token);
  });

  test('a token of the application comes without a seller', async () => {
    const token = await application().OAuth2.obtainApplicationAccessToken();
    expect(token).toMatchObject({ token_type: 'Application Access Token', expires_in: 7 });
  });

  test('a dead refresh token, a foreign scope and a wrong secret are refused in the names that OAuth gives them', async () => {
    const refusal = (client: eBayApi) =>
      client.OAuth2.refreshToken().then(
        () => 'none',
        (error: Loose) => `${error.response.status} ${error.response.data.error}`,
      );
    expect(await refusal(seller({ refreshToken: 'v^1.1#dead' }))).toBe('400 invalid_grant');
    expect(await refusal(seller({ scope: [`${root}/sell.marketing`] }))).toBe('400 invalid_scope');
    expect(await refusal(seller({ certId: 'wrong' }))).toBe('401 invalid_client');
  });

  test('a REST call with a dead token makes the client renew it and call again', async () => {
    const client = seller();
    const renewed: Loose[] = [];
    client.OAuth2.on('refreshAuthToken', (token: Loose) => void renewed.push(token));
    const page: Loose = await client.sell.inventory.getInventoryItems({ limit: 1 });
    expect(page.inventoryItems).toHaveLength(1);
    expect(renewed).toHaveLength(1);
    expect(routes()).toEqual([
      'GET /sell/inventory/v1/inventory_item 401',
      'POST /identity/v1/oauth2/token 200',
      'GET /sell/inventory/v1/inventory_item 200',
    ]);
  });

  test('a Trading call with a dead token makes the client renew it and call again, whichever code says so', async () => {
    for (let turn = 0; turn < 8; turn += 1) {
      const client = seller();
      const answer: Loose = await client.trading.GeteBayOfficialTime();
      expect(answer.Ack).toBe('Success');
    }
    const renewals = routes().filter((route) => route.startsWith('POST /identity'));
    expect(renewals).toHaveLength(8);
  });

  test('without its own renewal the client tells what the shop said', async () => {
    const client = seller({ autoRefreshToken: false });
    await expect(client.sell.inventory.getInventoryItems()).rejects.toMatchObject({
      name: 'EBayInvalidAccessToken',
    });
  });
});

describe('the Inventory and Fulfillment APIs, as ebay-api calls them', () => {
  let client: eBayApi;
  beforeEach(async () => {
    client = await signedIn();
  });

  const numberOf = async (sku: string): Promise<number> => {
    const item: Loose = await client.sell.inventory.getInventoryItem(sku);
    return item.availability.shipToLocationAvailability.quantity;
  };

  test('all items are walked page by page, each once', async () => {
    const skus: string[] = [];
    let page: Loose;
    let offset = 0;
    do {
      page = await client.sell.inventory.getInventoryItems({ limit: 4, offset });
      skus.push(...page.inventoryItems.map((item: Loose) => item.sku));
      offset += 1;
    } while (page.next !== undefined);
    expect(skus).toHaveLength(page.total);
    expect(new Set(skus).size).toBe(page.total);
    expect(skus).toEqual(expect.arrayContaining(['SKU-001', 'SKU-004', 'SKU-005', 'SKU-006', 'LOOSE-1']));
  });

  test('one item and its offer are read', async () => {
    expect(await numberOf('SKU-001')).toBe(10);
    const { offers }: Loose = await client.sell.inventory.getOffers({ sku: 'SKU-001' });
    expect(offers).toEqual([
      expect.objectContaining({
        sku: 'SKU-001',
        marketplaceId: 'EBAY_US',
        status: 'PUBLISHED',
        availableQuantity: 10,
      }),
    ]);
    const offer: Loose = await client.sell.inventory.getOffer(offers[0].offerId);
    expect(offer.offerId).toBe(offers[0].offerId);
  });

  test('bulkUpdatePriceQuantity sets numbers, which are read back', async () => {
    const { offers }: Loose = await client.sell.inventory.getOffers({ sku: 'SKU-001' });
    const { responses }: Loose = await client.sell.inventory.bulkUpdatePriceQuantity({
      requests: [
        {
          sku: 'SKU-001',
          shipToLocationAvailability: { quantity: 4 },
          offers: [{ offerId: offers[0].offerId, availableQuantity: 4 }],
        },
        { sku: 'SKU-004', shipToLocationAvailability: { quantity: 0 } },
      ],
    } as Loose);
    expect(responses.map(({ sku, statusCode }: Loose) => [sku, statusCode])).toEqual([
      ['SKU-001', 200],
      ['SKU-004', 200],
    ]);
    expect([await numberOf('SKU-001'), await numberOf('SKU-004')]).toEqual([4, 0]);
    expect([shown(stage, 'SKU-001'), shown(stage, 'SKU-004')]).toEqual([4, 0]);
  });

  test('a row that is wrong is told in its own response, and the others are done', async () => {
    const { responses }: Loose = await client.sell.inventory.bulkUpdatePriceQuantity({
      requests: ['SKU-004', 'NONE'].map((sku) => ({ sku, shipToLocationAvailability: { quantity: 3 } })),
    } as Loose);
    expect(responses.map(({ sku, statusCode }: Loose) => [sku, statusCode])).toEqual([
      ['SKU-004', 200],
      ['NONE', 404],
    ]);
    expect(responses[1].errors[0]).toMatchObject({ errorId: 25702, domain: 'API_INVENTORY' });
    expect(await numberOf('SKU-004')).toBe(3);
  });

  test('bulkGetInventoryItem reads several at once', async () => {
    const { responses }: Loose = await client.sell.inventory.bulkGetInventoryItem({
      requests: ['SKU-001', 'SKU-005'].map((sku) => ({ sku })),
    } as Loose);
    expect(responses.map((one: Loose) => one.inventoryItem.sku)).toEqual(['SKU-001', 'SKU-005']);
  });

  test('an item that is not there is an error with the platform’s own number', async () => {
    await expect(client.sell.inventory.getInventoryItem('NONE')).rejects.toMatchObject({ errorCode: 25710 });
  });

  test('orders are listed by a range of time, walked by pages, and read by id', async () => {
    const sold = [
      sell(stage, ['SKU-001', 2], ['SKU-007', 1]),
      sell(stage, ['SKU-002', 1]),
      sell(stage, ['SKU-003', 1]),
    ];
    stage.tick(1_000);
    const filter = `creationdate:[${new Date(NOON - 60_000).toISOString()}..${new Date(NOON + 500).toISOString()}]`;
    const ids: string[] = [];
    let page: Loose;
    do {
      page = await client.sell.fulfillment.getOrders({ filter, limit: 2, offset: ids.length });
      ids.push(...page.orders.map((order: Loose) => order.orderId));
    } while (page.next !== undefined);
    expect(page.total).toBe(3);
    expect(ids.sort()).toEqual(sold.map(({ orderId }) => orderId).sort());
    const [first] = sold;
    const order: Loose = await client.sell.fulfillment.getOrder(first?.orderId ?? '');
    expect(order.lineItems.map((line: Loose) => [line.lineItemId, line.sku, line.quantity])).toEqual([
      [first?.lineIds[0], 'SKU-001', 2],
      [first?.lineIds[1], 'SKU-007', 1],
    ]);
  });

  test('orders are listed by their fulfilment and by their ids', async () => {
    const [shipped, open] = [sell(stage, ['SKU-001', 1]), sell(stage, ['SKU-002', 1])];
    stage.shop.ship({ order_id: shipped.orderId });
    stage.tick(1_000);
    const { orders }: Loose = await client.sell.fulfillment.getOrders({
      filter: 'orderfulfillmentstatus:{NOT_STARTED|IN_PROGRESS}',
    });
    expect(orders.map((order: Loose) => order.orderId)).toEqual([open.orderId]);
    const orderIds: Loose = [shipped.orderId, open.orderId];
    const named: Loose = await client.sell.fulfillment.getOrders({ orderIds });
    expect(named.orders.map((order: Loose) => order.orderId)).toEqual([shipped.orderId, open.orderId]);
  });

  test('an order that is not there is an error with the platform’s own number', async () => {
    await expect(client.sell.fulfillment.getOrder('12-34567-89012')).rejects.toMatchObject({
      errorCode: 32100,
    });
  });

  test('too many calls are an error with status 429', async () => {
    stage.shop.fault({ name: 'throttle', count: 1 });
    await expect(client.sell.fulfillment.getOrders()).rejects.toMatchObject({
      errorCode: 2001,
      meta: { res: { status: 429 } },
    });
  });
});

describe('the Trading API, as ebay-api calls it', () => {
  let client: eBayApi;
  beforeEach(async () => {
    client = await signedIn();
  });

  const single = (sku: string) => Number(listing(stage, sku));
  /** Of a listing with variations: item and SKU stand in one id. */
  const group = (sku: string) => Number(listing(stage, sku).split('/')[0]);

  test('GetMyeBaySelling walks the active listings, and its numbers are those of the shop', async () => {
    const items: Loose[] = [];
    let pages = 1;
    for (let page = 1; page <= pages; page += 1) {
      const answer: Loose = await client.trading.GetMyeBaySelling({
        ActiveList: { Include: true, Pagination: { EntriesPerPage: 5, PageNumber: page } },
      });
      expect(answer.Ack).toBe('Success');
      pages = answer.ActiveList.PaginationResult.TotalNumberOfPages;
      items.push(...answer.ActiveList.ItemArray.Item);
    }
    const found = items.find((item) => item.ItemID === single('SKU-002'));
    expect(found).toMatchObject({ SKU: 'SKU-002', QuantityAvailable: 10 });
    const ranged = items.find((item) => item.ItemID === group('SKU-007'));
    expect(ranged.Variations.Variation.map((one: Loose) => [one.SKU, one.Quantity])).toEqual([
      ['SKU-007', 10],
      ['SKU-008', 10],
      ['SKU-009', 10],
    ]);
    expect(new Set(items.map((item) => item.ItemID)).size).toBe(items.length);
  });

  test('GetItem reads one listing, whose quantity contains what was sold', async () => {
    sell(stage, ['SKU-002', 3]);
    const { Item }: Loose = await client.trading.GetItem({ ItemID: listing(stage, 'SKU-002') });
    expect(Item).toMatchObject({ ItemID: single('SKU-002'), SKU: 'SKU-002', Quantity: 10 });
    expect(Item.SellingStatus).toMatchObject({ QuantitySold: 3, ListingStatus: 'Active' });
  });

  test('ReviseInventoryStatus sets the number of a listing and of a variation, which are read back', async () => {
    const answer: Loose = await client.trading.ReviseInventoryStatus({
      InventoryStatus: [
        { ItemID: listing(stage, 'SKU-002'), Quantity: 4 },
        { ItemID: String(group('SKU-008')), SKU: 'SKU-008', Quantity: 0 },
      ],
    });
    expect(['Success', 'Warning']).toContain(answer.Ack);
    expect(answer.InventoryStatus.map((one: Loose) => [one.SKU, one.Quantity])).toEqual([
      ['SKU-002', 4],
      ['SKU-008', 0],
    ]);
    expect([shown(stage, 'SKU-002'), shown(stage, 'SKU-007'), shown(stage, 'SKU-008')]).toEqual([4, 10, 0]);
    const { Item }: Loose = await client.trading.GetItem({ ItemID: listing(stage, 'SKU-002') });
    expect(Item.Quantity - Item.SellingStatus.QuantitySold).toBe(4);
  });

  test('a listing of the other model and an unknown one are refused with the platform’s own numbers', async () => {
    const revise = (ItemID: string, SKU: string) =>
      client.trading.ReviseInventoryStatus({ InventoryStatus: { ItemID, SKU, Quantity: 1 } });
    const { offers }: Loose = await client.sell.inventory.getOffers({ sku: 'SKU-001' });
    await expect(revise(offers[0].listing.listingId, 'SKU-001')).rejects.toMatchObject({
      errorCode: 21919474,
    });
    await expect(client.trading.GetItem({ ItemID: '1' })).rejects.toMatchObject({ errorCode: 17 });
  });

  test('a title with every character that XML minds comes through', async () => {
    const odd = `<Tea> & "Toast" 'n' — Ünï 👗`;
    await stage.shop.stop();
    stage = await startShop({ catalogue: ['A-1', 'A-2'].map((sku) => ({ sku, title: odd, stock: 1 })) });
    wire = wireTo(stage.shop.url);
    client = await signedIn();
    const { Item }: Loose = await client.trading.GetItem({ ItemID: listing(stage, 'A-2') });
    expect(Item.Title).toBe(odd);
  });

  test('preferences are read, and the user behind the token', async () => {
    const preferences: Loose = await client.trading.GetUserPreferences({
      ShowOutOfStockControlPreference: true,
    });
    expect(preferences.OutOfStockControlPreference).toBe(true);
    const { User }: Loose = await client.trading.GetUser();
    expect(User.UserID).toEqual(expect.any(String));
  });
});

describe('the Notification API, as ebay-api calls it', () => {
  let receiver: Receiver;
  beforeEach(async () => {
    receiver = await startReceiver(stage.shop.credentials.verificationToken);
  });

  test('the topics are walked page by page by the token inside the address of the next', async () => {
    const { notification } = application().commerce;
    const names: string[] = [];
    let continuationToken: string | undefined;
    do {
      const page: Loose = await notification.getTopics({ limit: '10', continuationToken } as Loose);
      names.push(...page.topics.map((topic: Loose) => topic.topicId));
      continuationToken =
        page.next === undefined
          ? undefined
          : (new URL(page.next).searchParams.get('continuation_token') ?? undefined);
      if (continuationToken === undefined) expect(names).toHaveLength(page.total);
    } while (continuationToken !== undefined);
    expect(names).toEqual(expect.arrayContaining(['MARKETPLACE_ACCOUNT_DELETION', 'ORDER_CONFIRMATION']));
    const topic: Loose = await notification.getTopic('ORDER_CONFIRMATION');
    expect(topic.supportedPayloads.map((one: Loose) => one.schemaVersion)).toContain('1.0');
  });

  test('a token of the seller is not enough for the topics', async () => {
    const { notification } = (await signedIn()).commerce;
    await expect(notification.getTopics({} as Loose)).rejects.toMatchObject({
      name: 'EBayAccessDenied',
      meta: { res: { status: 403 } },
    });
  });

  test('a destination and a subscription are made and enabled, and a sale is delivered there', async () => {
    const { notification } = application().commerce;
    await notification.updateConfig({ alertEmail: 'ops@shop.example' });
    expect(await notification.getConfig()).toEqual({ alertEmail: 'ops@shop.example' });
    await notification.createDestination(destinationBody(stage, receiver.url) as Loose);
    const { destinations }: Loose = await notification.getDestinations({} as Loose);
    expect(destinations).toHaveLength(1);
    const [{ destinationId }] = destinations;

    const own = (await signedIn()).commerce.notification;
    await own.createSubscription(subscriptionBody(destinationId) as Loose);
    const { subscriptions }: Loose = await own.getSubscriptions({} as Loose);
    const [{ subscriptionId }] = subscriptions;
    await own.enableSubscription(subscriptionId);
    const enabled: Loose = await own.getSubscription(subscriptionId);
    expect(enabled).toMatchObject({ topicId: 'ORDER_CONFIRMATION', status: 'ENABLED', destinationId });

    receiver.got.length = 0;
    const { orderId } = sell(stage, ['SKU-001', 1]);
    await stage.shop.settle();
    const told = JSON.parse(receiver.got[0]?.body.toString('utf8') ?? '{}');
    expect(told.metadata.topic).toBe('ORDER_CONFIRMATION');
    expect(JSON.stringify(told.notification.data)).toContain(orderId);

    const header = String(receiver.got[0]?.headers['x-ebay-signature']);
    const { kid } = JSON.parse(Buffer.from(header, 'base64').toString('utf8'));
    const key: Loose = await notification.getPublicKey(kid);
    expect(key).toMatchObject({ algorithm: 'ECDSA', digest: 'SHA1' });
  });
});
