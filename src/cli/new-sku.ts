import type { Command } from 'commander';
import { AppError, EXIT } from '../errors.ts';
import type { SkuSight } from '../store/store.ts';
import { usage } from './args.ts';
import type { Books } from './books.ts';
import type { Invocation } from './command.ts';

/** The option of every command that makes SKUs. */
export interface CreateOptions {
  create?: string[];
}

/** Adds `--create SKU`, which may be given again and again. */
export function withCreate(command: Command): Command {
  return command.option(
    '--create <sku>',
    'make this SKU although it looks like a known one (may be repeated)',
    collect,
  );
}

export function collect(sku: string, before: string[] = []): string[] {
  return [...before, sku];
}

/** A new SKU that would stand beside a known one which it looks like, and which nobody has asked for by name. */
export function isDoubtful(sight: SkuSight, asked: readonly string[] = []): boolean {
  return sight.resembles !== null && !asked.includes(sight.text) && !asked.includes(sight.sku);
}

/** What is wrong with making it, in words that follow its name. */
export function doubtText({ resembles }: Pick<SkuSight, 'resembles'>): string {
  return `is not known, but it looks like ${resembles}`;
}

/**
 * The name under which a command goes on with a SKU that somebody typed: that of the known one, or the normal form of
 * a new one. A new one that looks like a known one is made when it is asked for by name, with `--create` or by a yes
 * on a terminal. Throws AppError `usage` for what can be no SKU and `looks_alike` (exit code 2).
 */
export async function nameToUse(
  invocation: Pick<Invocation<CreateOptions>, 'io' | 'options'>,
  books: Books,
  text: string,
): Promise<string> {
  const [sight] = await books.store.stock.recognise([text]);
  if (sight === undefined || sight.known) return sight?.sku ?? text;
  if (sight.fault !== null) throw usage(`the SKU "${text}" ${sight.fault}`, 'give it another name');
  if (!isDoubtful(sight, invocation.options.create)) return sight.sku;
  const { io } = invocation;
  const { sku, resembles } = sight;
  if (io.isTty) {
    if (await io.confirm(`${sku} ${doubtText(sight)}. Make ${sku} as another SKU?`)) return sku;
    throw new AppError('declined', 'nothing was changed', { hint: `name the known one: ${resembles}` });
  }
  throw new AppError('looks_alike', `nothing was changed: ${sku} ${doubtText(sight)}`, {
    hint: `name the known one, ${resembles}; or make another SKU all the same with --create ${sku}`,
    exitCode: EXIT.usage,
    details: { sku, resembles },
  });
}
