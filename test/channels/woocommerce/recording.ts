import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { HookRequest } from '../../../src/channels/channel.ts';

const root = process.env['INVSYNC_SHARED'] ?? resolve(import.meta.dirname, '../../../../shared');
const folder = join(root, 'fixtures/woocommerce');

/** Whether the recording of a real shop is there; tests that need it skip in words without it. */
export const recorded = existsSync(join(folder, 'deliveries.jsonl'));

/** The shop of the recording. */
export const recordedShop = 'http://127.0.0.1:8099';

interface RecordedDelivery {
  step: number;
  at: string;
  path: string;
  headers: Record<string, string>;
  body_base64: string;
}

interface RecordedCall {
  method: string;
  path: string;
  body: unknown;
  status: number;
  response: unknown;
}

/** Every webhook call in the order received, as the listener would hand it over. */
export function deliveries(): { step: number; request: HookRequest }[] {
  return lines<RecordedDelivery>('deliveries.jsonl').map((line) => ({
    step: line.step,
    request: {
      method: 'POST',
      path: line.path.replace('/hooks/woo', ''),
      query: '',
      headers: Object.fromEntries(
        Object.entries(line.headers).map(([name, value]) => [name.toLowerCase(), value]),
      ),
      body: Buffer.from(line.body_base64, 'base64'),
      receivedAt: Date.parse(line.at),
    },
  }));
}

/** The REST calls of one step. */
export function callsOf(step: number): RecordedCall[] {
  const found = lines<{ step: unknown; rest?: RecordedCall[] }>('steps.jsonl').find(
    (line) => line.step === step,
  );
  return found?.rest ?? [];
}

/** What the shop answered at its end (step 27) to the call whose path begins so. */
export function endOf(path: string): Record<string, unknown>[] {
  const call = callsOf(27).find((candidate) => candidate.path.startsWith(path));
  return call?.response as Record<string, unknown>[];
}

function lines<T>(name: string): T[] {
  return readFileSync(join(folder, name), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
