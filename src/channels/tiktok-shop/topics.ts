/** Topics by the number in a delivery (TTS-2.2). */
export const topics: ReadonlyMap<number, string> = new Map([
  [1, 'ORDER_STATUS_CHANGE'],
  [2, 'REVERSE_STATUS_UPDATE'],
  [3, 'RECIPIENT_ADDRESS_UPDATE'],
  [4, 'PACKAGE_UPDATE'],
  [5, 'PRODUCT_STATUS_CHANGE'],
  [6, 'SELLER_DEAUTHORIZATION'],
  [7, 'UPCOMING_AUTHORIZATION_EXPIRATION'],
  [11, 'CANCELLATION_STATUS_CHANGE'],
  [12, 'RETURN_STATUS_CHANGE'],
  [15, 'PRODUCT_INFORMATION_CHANGE'],
  [16, 'PRODUCT_CREATION'],
  [27, 'INVENTORY_STATUS_CHANGE'],
  [37, 'PRODUCT_AUDIT_STATUS_CHANGE'],
]);

/** A delivery whose number is none of these, or missing; its content decides. */
export const unnamedTopic = /^type \d{1,9}$|^type unknown$/;

/** Topics without which sales or cancellations are learned by polling only. */
export const neededTopics: readonly string[] = ['ORDER_STATUS_CHANGE', 'CANCELLATION_STATUS_CHANGE'];
/** What is registered (TTS-2.5). The last one’s name in the registration is from memory. */
export const wantedTopics: readonly string[] = [
  ...neededTopics,
  'RETURN_STATUS_CHANGE',
  'SELLER_DEAUTHORIZATION',
  'UPCOMING_AUTHORIZATION_EXPIRATION',
  'PRODUCT_STATUS_CHANGE',
  'PRODUCT_CREATION',
  'INVENTORY_STATUS_CHANGE',
];
