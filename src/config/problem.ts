/** Where something stands in the file: keys and list positions from the top. */
export type Path = readonly (string | number)[];

/** Something in the file that the user must mend (or, as a warning, should). `line` counts from 1. */
export interface Problem {
  /** `channels.main-shop.poll`; empty for the file as a whole. */
  path: string;
  line: number;
  message: string;
  hint: string;
}

/** `channels.main-shop.webhook_secret[1]` */
export function pathText(path: Path): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : at === 0 ? part : `.${part}`))
    .join('');
}

/** By line, then as found; one and the same problem once. */
export function sorted(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return [...problems]
    .sort((a, b) => a.line - b.line)
    .filter((problem) => {
      const key = `${problem.path}\n${problem.message}`;
      return !seen.has(key) && seen.add(key);
    });
}

/** Takes secrets out of what others (a schema of a channel type, the YAML library) may have quoted in a message. */
export function withoutSecrets(problems: readonly Problem[], secrets: Iterable<string>): Problem[] {
  // Shorter values would black out innocent words, and no platform issues a secret that short.
  const hidden = [...new Set(secrets)].filter((secret) => secret.length >= 4);
  const clean = (text: string) =>
    hidden.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text);
  return problems.map((problem) => ({
    ...problem,
    message: clean(problem.message),
    hint: clean(problem.hint),
  }));
}
