import { createHash } from 'node:crypto';

/** What is hashed as the time: the sample in the documentation has seconds, its prose the header's text (FK-2.4). */
export type TimeForm = 'seconds' | 'date' | 'millis';

/**
 * Headers of a notification: plain SHA-1 over time, registered URL, method and secret, without the body (FK-2.4,
 * last verified 2026-11). `gap` stands between scheme and value: one blank or two.
 */
export function signatureHeaders(message: {
  at: number;
  form: TimeForm;
  url: string;
  method: string;
  appId: string;
  secret: string;
  gap: string;
}): { X_Date: string; X_Authorization: string } {
  const seconds = Math.floor(message.at / 1000);
  const date = new Date(seconds * 1000).toUTCString();
  const time = { seconds: String(seconds), millis: String(seconds * 1000), date }[message.form];
  const signature = createHash('sha1')
    .update(`${time}${message.url}${message.method}${message.secret}`)
    .digest('hex');
  const value = Buffer.from(`${message.appId}:${signature}`).toString('base64');
  return { X_Date: date, X_Authorization: `FKLOGIN${message.gap}${value}` };
}
