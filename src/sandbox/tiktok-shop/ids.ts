import type { Random } from '../kit/random.ts';

export type Ids = ReturnType<typeof createIds>;

/**
 * Numbers that the platform gives out: text of 18 or 19 digits, so close that doubles cannot tell neighbours apart. Each
 * counter starts at a place of its own.
 */
export function createIds(random: Random) {
  const counter = (prefix: string, digits: number, step: number) => {
    const free = digits - prefix.length;
    // The first free digit stays low, so that counting never reaches the prefix.
    const start = Array.from({ length: free - 1 }, () => random.int(0, 9)).join('');
    let last = BigInt(`${prefix}1${start}`);
    return () => {
      last += BigInt(random.int(1, step));
      return String(last);
    };
  };
  return {
    shop: counter('7494', 19, 9),
    warehouse: counter('7068', 19, 99_999),
    product: counter('17295', 19, 9_999),
    sku: counter('17296', 19, 3),
    order: counter('5765', 18, 3),
    lineItem: counter('577', 18, 1),
    cancellation: counter('4035', 19, 9),
    return: counter('4036', 19, 9),
    package: counter('1152', 19, 9),
    notification: counter('7327', 19, 3),
  };
}
