import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The entry of a thread, `name.js` beside the module at `from`. A thread cannot be loaded from TypeScript on Node 20: from
 * `src` (tests) the built entry is used.
 */
export function threadEntry(from: string, name: string): URL {
  const beside = new URL(`./${name}.js`, from);
  if (!from.endsWith('.ts')) return beside;
  const built = new URL(beside.href.replace('/src/', '/dist/'));
  if (!existsSync(fileURLToPath(built))) throw new Error('build first: npm run build');
  return built;
}
