/** What a code of TikTok's envelope means for us (TTS-4.2; the classes are ours). Numbers verified 2026-11. */

const importHint = 'run: invsync listings import';
const consentHint =
  'let the seller authorize the app again and set the new refresh_token (docs/channels/tiktok-shop.md)';

/** Too many requests. */
export const throttleCodes: ReadonlySet<number> = new Set([36009002, 12052109]);
/** The hourly limit of a development shop: over with the hour. */
export const hourlyLimitCode = 36009037;
/** TikTok's own trouble; a write may have happened. */
export const transientCodes: ReadonlySet<number> = new Set([
  36009003, 36009007, 12001000, 12052881, 33001002,
]);
/** Bad credentials or parameters of all kinds: the words of the message decide. */
export const catchAllCode = 36009004;
export const scopeMissingCode = 105005;
export const cipherMissingCode = 106013;
/** More than 10,000 rows were asked for. */
export const tooManyRowsCode = 12052180;

/** What only a person can mend: the channel stops. */
export const stopHints: ReadonlyMap<number, string> = new Map([
  [
    scopeMissingCode,
    'the app lacks a scope: add it in Partner Center (docs/channels/tiktok-shop.md lists them), then let the seller authorize again',
  ],
  [101000, `the token does not belong to this shop, or to no seller: check shop_id; else ${consentHint}`],
  [106001, 'the signature is refused: app_secret is wrong or was reset'],
  [
    36009033,
    'this machine’s address is not on the app’s IP allow list: add it in Partner Center, or empty the list',
  ],
  [36009043, 'the shop is inactive: look into Seller Center'],
  [36009044, 'the seller account is inactive: look into Seller Center'],
]);

/** The set of warehouses that was sent is not the SKU's own any more: read it again, once. */
export const staleWarehouseCodes: ReadonlySet<number> = new Set([
  12052037, 12052516, 12052097, 12052530, 12052531, 12052532,
]);

/** TikTok knows no such SKU or product of ours. */
export const unknownSkuCodes: ReadonlySet<number> = new Set([12052557, 12052034, 12052032]);

const warehouseHint = 'look at the warehouses in Seller Center, then run: invsync check';
/** Why a number was not taken, and what to do. */
export const rejectHints: ReadonlyMap<number, string> = new Map([
  [12052055, 'TikTok Shop takes 0 to 99999'],
  [12052557, importHint],
  [12052048, `the product cannot be edited just now; once it is live again, ${importHint}`],
  [12052034, importHint],
  [12052032, importHint],
  [12052037, warehouseHint],
  [12052516, warehouseHint],
  [12052097, warehouseHint],
  [12052530, warehouseHint],
  [12052531, warehouseHint],
  [12052532, 'a return warehouse holds no stock for sale: take it out of warehouses'],
  [12052094, 'the shop may not use several warehouses: leave warehouses empty or name one'],
  [12019022, warehouseHint],
  [
    12052393,
    'a promotion locks the number: it cannot be lowered before the promotion ends; end it, or deactivate the product in Seller Center',
  ],
  [12052850, 'a combined listing has no number of its own: map its components, and switch this listing off'],
  [12052708, 'a combined listing has no number of its own: map its components, and switch this listing off'],
  [12052144, 'TikTok’s own warehouse keeps this stock: switch the listing off here'],
  [12052141, 'a global product: its stock is changed at the global level, which invsync does not do'],
  [12052503, 'these SKUs share their stock and must have equal numbers: map them to one SKU'],
  [36009009, 'check base_url; else TikTok has changed its interface'],
  [36009010, 'check base_url; else TikTok has changed its interface'],
  [36009014, 'TikTok has withdrawn this version of its interface: update invsync'],
  [36009022, 'a proxy must not change the content type; else this is a fault of invsync'],
  [36009023, 'a proxy must not change the body; else this is a fault of invsync'],
]);

export const reconsent = consentHint;
