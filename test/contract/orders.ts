import type { MakeBench } from './bench.ts';
export function orderSuite(_make: MakeBench): void {}
