import type { MakeBench } from './bench.ts';
export function deliverySuite(_make: MakeBench): void {}
