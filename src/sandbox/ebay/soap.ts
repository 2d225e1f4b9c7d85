import { iso } from './order-view.ts';
import { soapSignature } from './signature.ts';
import type { Counter, Order, OrderLine } from './state.ts';
import { unitsOf } from './state.ts';
import { element } from './xml.ts';

/** Platform Notifications that this shop knows how to write (EBAY-2.6). */
export type SoapEvent =
  | 'FixedPriceTransaction'
  | 'AuctionCheckoutComplete'
  | 'ItemClosed'
  | 'ItemRevised'
  | 'ItemOutOfStock';

/** What an event is about; `line` and `order` only for sales. */
export interface SoapSubject {
  counter: Counter;
  line: OrderLine | null;
  order: Order | null;
}

/** The SOAP envelope of an event, with the true element names of the published sample. */
export function soapBody(
  event: SoapEvent,
  subject: SoapSubject,
  message: {
    at: number;
    correlationId: string;
    recipient: string;
    keyset: { devId: string; clientId: string; clientSecret: string };
  },
): string {
  const timestamp = iso(message.at);
  const { line } = subject;
  const name = line === null ? 'GetItemResponse' : 'GetItemTransactionsResponse';
  const content = [
    element('Timestamp', timestamp),
    element('Ack', 'Success'),
    element('CorrelationID', message.correlationId),
    element('Version', '1451'),
    element('NotificationEventName', event),
    element('RecipientUserID', message.recipient),
    itemOf(subject),
    line === null ? '' : transactionOf(line, subject.order),
  ].join('');
  return `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">
 <soapenv:Header><ebl:RequesterCredentials soapenv:mustUnderstand="0" xmlns:ebl="urn:ebay:apis:eBLBaseComponents">
  <ebl:NotificationSignature>${soapSignature(timestamp, message.keyset)}</ebl:NotificationSignature></ebl:RequesterCredentials></soapenv:Header>
 <soapenv:Body><${name} xmlns="urn:ebay:apis:eBLBaseComponents">${content}</${name}></soapenv:Body></soapenv:Envelope>`;
}

function itemOf({ counter, line }: SoapSubject): string {
  const sku = counter.listing?.multi === true ? null : counter.sku;
  return element('Item', [
    element('ItemID', line?.itemId ?? counter.listing?.itemId ?? ''),
    sku === null ? '' : element('SKU', sku),
    element('Quantity', String(unitsOf(counter) + counter.sold)),
    element('SellingStatus', [element('QuantitySold', String(counter.sold))]),
  ]);
}

function transactionOf(line: OrderLine, order: Order | null): string {
  const variation =
    line.variationId === null || line.sku === null ? '' : element('Variation', [element('SKU', line.sku)]);
  return element('TransactionArray', [
    element('Transaction', [
      element('TransactionID', line.transactionId),
      element('OrderLineItemID', orderLineItemId(line)),
      element('QuantityPurchased', String(line.quantity)),
      element('Buyer', [element('UserID', 'buyer_canary'), element('Email', 'canary@members.example.com')]),
      variation,
      order === null ? '' : element('ContainingOrder', [element('OrderID', order.orderId)]),
    ]),
  ]);
}

/** Trading's name of a line: not the id that the REST side uses (EBAY-2.6). */
export function orderLineItemId(line: OrderLine): string {
  return `${line.itemId}-${line.transactionId}`;
}
