import { AppError, EXIT } from '../../src/errors.ts';
import type { Store } from '../../src/store/store.ts';

/** What a store says whose file another process keeps locked for a moment. */
export function busy(): AppError {
  return new AppError('store_busy', 'the database is locked by another process', {
    exitCode: EXIT.temporary,
  });
}

type Part = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** From now on the store refuses these operations (`inbox.fail`) as busy whenever `isBusy` says so. */
export function refuse(store: Store, operations: readonly string[], isBusy: () => boolean): void {
  for (const path of operations) {
    const [folder = '', name = ''] = path.split('.');
    const part = store[folder as 'inbox'] as unknown as Part;
    const act = part[name];
    if (act === undefined) throw new Error(`the store has no ${path}`);
    part[name] = (...args) => (isBusy() ? Promise.reject(busy()) : act(...args));
  }
}
