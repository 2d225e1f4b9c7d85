import { createHmac } from 'node:crypto';
import { createTransport } from 'nodemailer';
import { createHttpClient, type HttpClient, type HttpRequest } from '../channels/kit/http.ts';
import type { Clock } from '../clock.ts';
import type { Route } from '../config/alerts.ts';
import { isLoopback } from '../config/text.ts';
import { messageOf } from '../errors.ts';
import type { Notice } from './notice.ts';

/** Sends notices by routes. */
export interface Sender {
  /** Resolves when the route took it; rejects with an Error in words, without a secret, when it did not. */
  send(route: Route, notice: Notice, id: string, signal: AbortSignal): Promise<void>;
  /** Asks an address and cares only whether it answered well; for a dead-man's switch. */
  ask(url: string, body: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** A route that takes longer has failed. */
const patienceMs = 10_000;

/** One for a process: connections are reused. */
export function createSender(clock: Clock, version: string): Sender {
  const http = createHttpClient({
    clock,
    timeoutMs: patienceMs,
    userAgent: `invsync/${version}`,
    maxConnections: 4,
  });
  return {
    send: (route, notice, id, signal) =>
      route.type === 'smtp'
        ? sendMail(route, notice, id)
        : answered(http, requestFor(route, notice, { id, now: clock.now() }), signal),
    ask: (url, body, signal) => answered(http, { method: 'POST', url, body }, signal),
    close: () => http.close(),
  };
}

async function answered(http: HttpClient, request: HttpRequest, signal: AbortSignal): Promise<void> {
  const { status, body } = await http(request, signal).catch((error: unknown) => {
    // An address may be the secret.
    throw new Error(messageOf(error).replaceAll(request.url, new URL(request.url).host));
  });
  if (status >= 200 && status < 300) return;
  const said = body.toString('utf8').replace(/\s+/g, ' ').trim().slice(0, 200);
  throw new Error(`answered ${status}${said === '' ? '' : `: ${said}`}`);
}

type HookRoute = Exclude<Route, { type: 'smtp' }>;

/** The request that carries a notice to a route that speaks HTTP. `id` names the message, the same for each attempt. */
export function requestFor(
  route: HookRoute,
  notice: Notice,
  { id, now }: { id: string; now: number },
): HttpRequest {
  switch (route.type) {
    case 'slack':
      return posted(route.webhook_url, { text: `*${slackText(notice.title)}*\n${slackText(notice.text)}` });
    case 'discord':
      return posted(route.webhook_url, {
        content: `**${notice.title}**\n${notice.text}`.slice(0, 2_000),
        allowed_mentions: { parse: [] },
      });
    case 'ntfy':
      return ntfyRequest(route, notice);
    case 'webhook':
      return signedRequest(route, notice, { id, now });
  }
}

/** Slack reads `&`, `<` and `>` as its own marks. */
function slackText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function posted(url: string, value: unknown, headers: Record<string, string> = {}): HttpRequest {
  return {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(value),
  };
}

/** As JSON to the server itself, which takes any character in the title; the topic is the end of the address. */
function ntfyRequest(route: Extract<Route, { type: 'ntfy' }>, notice: Notice): HttpRequest {
  const cut = route.url.lastIndexOf('/');
  const priority = { info: 2, warn: 3, error: 5 }[notice.level];
  return posted(
    route.url.slice(0, cut),
    { topic: route.url.slice(cut + 1), title: notice.title, message: notice.text.slice(0, 4_000), priority },
    route.token === undefined ? {} : { authorization: `Bearer ${route.token}` },
  );
}

/** Signed as Standard Webhooks 1.0 describe it: HMAC-SHA256 over `id.timestamp.body`. */
function signedRequest(
  route: Extract<Route, { type: 'webhook' }>,
  notice: Notice,
  { id, now }: { id: string; now: number },
): HttpRequest {
  const timestamp = String(Math.floor(now / 1_000));
  const { type, level, title, text, data } = notice;
  const body = JSON.stringify({
    type,
    timestamp: new Date(now).toISOString(),
    data: { level, title, text, ...data },
  });
  const key = route.secret.startsWith('whsec_')
    ? Buffer.from(route.secret.slice('whsec_'.length), 'base64')
    : Buffer.from(route.secret, 'utf8');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return {
    method: 'POST',
    url: route.url,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    },
    body,
  };
}

async function sendMail(route: Extract<Route, { type: 'smtp' }>, notice: Notice, id: string): Promise<void> {
  const security = route.security ?? (route.port === 465 ? 'tls' : 'starttls');
  if (security === 'none' && !isLoopback(route.host))
    throw new Error('security: none is for a mail server on this machine only');
  const transport = createTransport({
    host: route.host,
    port: route.port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    connectionTimeout: patienceMs,
    greetingTimeout: patienceMs,
    socketTimeout: patienceMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(route.user === undefined ? {} : { auth: { user: route.user, pass: route.password ?? '' } }),
  });
  try {
    await transport.sendMail({
      from: route.from,
      to: route.to,
      subject: notice.title,
      text: `${notice.text}\n`,
      messageId: `<${id}@invsync>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
  } finally {
    transport.close();
  }
}
