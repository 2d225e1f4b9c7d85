import type { HttpAnswer } from '../http/listener.ts';
import { html, type Markup } from './html.ts';
import { policy, script, style } from './look.ts';

const places: readonly [path: string, title: string][] = [
  ['/', 'Overview'],
  ['/sku', 'SKUs'],
  ['/drift', 'Drift'],
  ['/attention', 'Attention'],
];

const trusted = (markup: string): Markup => ({ markup });

/** A whole page. `path`: the entry of the menu that it belongs to. */
export function pageOf(title: string, path: string, body: Markup, now: number): Markup {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title} – invsync</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">
<style>${trusted(style)}</style></head>
<body><a class="skip" href="#main">Skip to the content</a>
<header><b>invsync</b><nav aria-label="Pages"><ul>${places.map(([to, name]) =>
    to === path
      ? html`<li><a href="${to}" id="to-${name}" aria-current="page">${name}</a></li>`
      : html`<li><a href="${to}" id="to-${name}">${name}</a></li>`,
  )}</ul></nav></header>
<main id="main"><h1>${title}</h1>
${body}
<p class="quiet">As of <time datetime="${new Date(now).toISOString()}">${new Date(now).toUTCString()}</time>. This page only shows; changes are made by commands.</p></main>
<footer><p id="lost" class="bad" role="status" hidden>invsync does not answer: this is what it last said.</p></footer>
<script>${trusted(script)}</script></body></html>`;
}

/** The answer that carries a page. */
export function htmlAnswer(status: number, page: Markup, headers: Record<string, string> = {}): HttpAnswer {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      ...headers,
    },
    body: page.markup,
  };
}
