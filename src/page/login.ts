import type { Caller } from '../http/admin.ts';
import { type HttpAnswer, type HttpAsk, notAllowed, refused } from '../http/listener.ts';
import { htmlAnswer, pageOf } from './frame.ts';
import { html } from './html.ts';
import { passIsGood } from './pass.ts';

const cookieName = 'invsync_pass';

interface Door {
  token: string | null;
  now: number;
}

/** Somebody at this machine, whoever brings the admin token, and whoever came by a link that is still good. */
export function mayLook(ask: HttpAsk, caller: Caller, { token, now }: Door): boolean {
  if (caller.local) return true;
  if (token === null) return false;
  return caller.trusted || passIsGood(token, cookieIn(ask), now);
}

/**
 * Takes the pass of a link into a cookie. The page is reached from here by a step of this page's own: after a redirect a
 * browser would not send a `SameSite=Strict` cookie to who came from a mail.
 */
export function logIn(ask: HttpAsk, token: string | null, now: number): HttpAnswer {
  if (ask.method !== 'GET') return notAllowed('GET', 'links are opened');
  const pass = new URLSearchParams(ask.query).get('pass') ?? '';
  if (token === null || !passIsGood(token, pass, now)) return logInFirst(false, now);
  const secure = ask.headers['x-forwarded-proto'] === 'https' ? '; Secure' : '';
  const body = html`<meta http-equiv="refresh" content="0; url=/"><p><a href="/">Open the page</a></p>`;
  return htmlAnswer(200, pageOf('Welcome', '', body, now), {
    'set-cookie': `${cookieName}=${pass}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${ageOf(pass, now)}${secure}`,
  });
}

/** What is answered to who may not look. */
export function logInFirst(asJson: boolean, now: number): HttpAnswer {
  if (asJson) return refused(401, 'the admin token, or a link of `invsync web link`, is required');
  const body = html`<p>This page opens by a link. On the machine where invsync runs, make one:</p>
<p><code>invsync web link --ttl 7d</code></p><p>A link that worked before is over, or the admin token was changed.</p>`;
  return htmlAnswer(401, pageOf('A link is needed', '', body, now));
}

function ageOf(pass: string, now: number): number {
  return Math.floor((Number.parseInt(pass, 36) - now) / 1_000);
}

function cookieIn({ headers }: HttpAsk): string {
  const found = (headers['cookie'] ?? '').split(';').map((each) => each.trim());
  return found.find((each) => each.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1) ?? '';
}
