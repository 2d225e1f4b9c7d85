import type { MakeBench } from './bench.ts';
export function webhookSuite(_make: MakeBench): void {}
