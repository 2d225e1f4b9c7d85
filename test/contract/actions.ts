import type { MakeBench } from './bench.ts';
export function actionSuite(_make: MakeBench): void {}
