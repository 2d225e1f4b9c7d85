import type { ShopAnswer } from '../kit/server.ts';
import { platformMs } from '../kit/time.ts';
import { phpJson } from './php.ts';
import type { Site } from './site.ts';

/** What answers in the place of WordPress: web server, firewall, PHP itself. */

function html(status: number, body: string, headers: Record<string, string> = {}): ShopAnswer {
  return { status, headers: { 'content-type': 'text/html; charset=UTF-8', ...headers }, body };
}

function seconds(site: Site, ms: number): string {
  return String(Math.ceil(platformMs(ms, site.timeScale) / 1000));
}

/** What stands between the caller and WordPress: an answer that never reached the REST API, or null. */
export function answerBeforeRest(site: Site, rawTarget: string): ShopAnswer | null {
  const { faults } = site;
  if (faults.hits('redirect_https')) {
    const host = site.home.replace(/^https?:\/\//, '');
    return html(301, '<html><body>Moved Permanently</body></html>', {
      Location: `https://${host}${rawTarget}`,
    });
  }
  if (rawTarget.startsWith('/wp-json') && faults.hits('plain_permalinks')) {
    // A front controller (nginx try_files) hands every path to WordPress, which knows no REST path (recorded 2026-11-30).
    if (/^\/wp-json\/?(?:\?|$)/.test(rawTarget))
      return html(200, '<!DOCTYPE html><html><body>Shop</body></html>');
    return html(301, '', { Location: site.home });
  }
  if (faults.hits('html_challenge')) {
    return html(200, '<!DOCTYPE html><html><head><title>Just a moment...</title></head><body></body></html>');
  }
  if (faults.hits('throttle')) {
    // Hosts throttle, not WooCommerce: every other one says for how long.
    const after: Record<string, string> = site.random.chance(0.5)
      ? { 'Retry-After': seconds(site, 30_000) }
      : {};
    return html(429, '<html><body><h1>429 Too Many Requests</h1></body></html>', after);
  }
  if (faults.hits('maintenance')) {
    return html(
      503,
      '<!DOCTYPE html><html><body>Briefly unavailable for scheduled maintenance. Check back in a minute.</body></html>',
      { 'Retry-After': seconds(site, 600_000) },
    );
  }
  if (faults.hits('database_down')) {
    return html(
      500,
      '<!DOCTYPE html><html><body><h1>Error establishing a database connection</h1></body></html>',
    );
  }
  if (faults.hits('error_500')) return fatal();
  return null;
}

export const CRITICAL_ERROR =
  '<p>There has been a critical error on this website.</p><p><a href="https://wordpress.org/documentation/article/faq-troubleshooting/">Learn more about troubleshooting WordPress.</a></p>';

/** A PHP fatal as the REST API tells it. */
export function fatal(): ShopAnswer {
  const body = {
    code: 'internal_server_error',
    message: CRITICAL_ERROR,
    data: { status: 500 },
    additional_errors: [],
  };
  return { status: 500, headers: { 'content-type': 'application/json; charset=UTF-8' }, body: phpJson(body) };
}

export function gatewayTimeout(): ShopAnswer {
  return html(504, '<html><head><title>504 Gateway Time-out</title></head><body>nginx</body></html>');
}

export const PHP_NOTICE =
  '<br />\n<b>Warning</b>:  Undefined array key "id" in <b>/var/www/html/wp-content/plugins/some-plugin/some-plugin.php</b> on line <b>42</b><br />\n';
