import { sharedFaults } from '../kit/faults.ts';

/**
 * Everything that can go wrong here, by name. Beside the names that all shops share:
 * html_challenge (200 with a page of the firewall's) · php_notice (a warning before the JSON) · maintenance (503) ·
 * database_down (500 HTML) · redirect_https (301) · is_ssl_off (TLS unseen: Basic is nobody) · half_batch_504 (half of
 * a batch, then the gateway gives up) · stale_read (a cache shows the number before the last change) ·
 * error_body (signed error object) · error_body_429 (the same, made by a rate limiter) ·
 * plain_permalinks (the home page answers for the REST API, or a redirect to it) · edit_without_stock (a line is edited, the stock stays) · clone_source (X-WC-Webhook-Source of a copy) · same_delivery_id ·
 * decimal_quantity (half a piece more) · no_reduced_stock (a plugin forbids the stock step for the order) ·
 * late_reduced_stock (ms, 50: the status is saved, the stock moves later) · checkout_draft (a cart leaks) ·
 * unpaid_checkout (the order stays pending).
 */
export const FAULTS = [
  ...sharedFaults,
  'html_challenge',
  'php_notice',
  'maintenance',
  'database_down',
  'redirect_https',
  'is_ssl_off',
  'half_batch_504',
  'stale_read',
  'error_body',
  'error_body_429',
  'edit_without_stock',
  'plain_permalinks',
  'clone_source',
  'same_delivery_id',
  'decimal_quantity',
  'no_reduced_stock',
  'late_reduced_stock',
  'checkout_draft',
  'unpaid_checkout',
] as const;
