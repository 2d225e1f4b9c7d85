type Rest<Shop, Method> = Method extends (shop: Shop, ...rest: infer Args) => infer Result
  ? (...rest: Args) => Result
  : never;

/** An adapter's functions, which take their account first, as methods of the channel at that account. */
export function bound<Shop, Methods extends Record<string, (shop: Shop, ...rest: never[]) => unknown>>(
  shop: Shop,
  methods: Methods,
): { [Name in keyof Methods]: Rest<Shop, Methods[Name]> } {
  const entries = Object.entries(methods).map(([name, method]) => [name, method.bind(null, shop)]);
  return Object.fromEntries(entries);
}
