import type { Random } from './kit/random.ts';
import type { CatalogueItem } from './shop.ts';

const things = ['Mug', 'Bowl', 'Plate', 'Vase', 'Jug', 'Cup', 'Teapot', 'Tray'];
const glazes = ['blue', 'white', 'moss', 'sand', 'black', 'amber', 'rose', 'slate'];

/**
 * A potter's shop: mostly a dozen or two of each piece, every fourth nearly sold out, so that the last unit is fought
 * for. The same SKUs are offered on every channel.
 */
export function createCatalogue(random: Random, size: number): CatalogueItem[] {
  return Array.from({ length: size }, (_, index) => {
    const thing = things[index % things.length] ?? 'Mug';
    const glaze = glazes[Math.floor(index / things.length) % glazes.length] ?? 'blue';
    const sku = `${thing.slice(0, 3).toUpperCase()}-${glaze.slice(0, 2).toUpperCase()}-${String(index + 1).padStart(3, '0')}`;
    const stock = index % 4 === 3 ? random.int(1, 3) : random.int(8, 40);
    return { sku, title: `${thing}, ${glaze}`, stock };
  });
}
