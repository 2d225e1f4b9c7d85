import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The last table of each channel page names every trap of the dossier; the tests that it quotes exist. */

const root = join(import.meta.dirname, '..');
const shared = process.env['INVSYNC_SHARED'] ?? join(root, '..', 'shared');

function read(folder: string): string {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .map((path) =>
      statSync(path).isDirectory() ? read(path) : path.endsWith('.ts') ? readFileSync(path, 'utf8') : '',
    )
    .join('\n');
}

const tests = read(join(root, 'test'));
const pages = [
  { channel: 'shopify', traps: 20 },
  { channel: 'woocommerce', traps: 25 },
];

describe.each(pages)('docs/channels/$channel.md', ({ channel, traps }) => {
  const page = readFileSync(join(root, 'docs', 'channels', `${channel}.md`), 'utf8');
  const rows = [...page.matchAll(/^\| (9\.\d+|O\.\d+) \|(.+)\|(.+)\|$/gm)].map((match) => ({
    id: match[1] ?? '',
    handled: match[2] ?? '',
    test: match[3] ?? '',
  }));

  it('has a row for each of the traps', () => {
    const ids = rows.map((row) => row.id).filter((id) => id.startsWith('9.'));
    expect(ids).toEqual(Array.from({ length: traps }, (_, index) => `9.${index + 1}`));
  });

  it('every row quotes tests that exist, or says why it is not handled', () => {
    const missing = rows.flatMap((row) => {
      const titles = [...row.test.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
      if (titles.length === 0)
        return row.test.trim().length > 15 ? [] : [`${row.id}: neither a test nor a reason`];
      return titles
        .filter((title) => !tests.includes(title))
        .map((title) => `${row.id}: no test is called "${title}"`);
    });
    expect(missing).toEqual([]);
  });

  it.skipIf(!existsSync(shared))('knows as many traps as the dossier (needs the shared material)', () => {
    const dossier = readFileSync(join(shared, 'reference', 'channels', `${channel}.md`), 'utf8');
    const section = dossier.slice(dossier.indexOf('## 9. Traps'), dossier.indexOf('## 10.'));
    const numbers = [...section.matchAll(/(?:^|\s)(\d{1,2})\. /g)].map((match) => Number(match[1]));
    expect(Math.max(...numbers)).toBe(traps);
  });
});
