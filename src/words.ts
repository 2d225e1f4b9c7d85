/** `1 row`, `2 rows`; `many` where an s alone does not make the plural. */
export function countText(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
