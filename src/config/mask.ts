import { isMap, isScalar, isSeq, parseDocument, type Scalar } from 'yaml';
import type { ChannelDefinition } from '../channels/channel.ts';
import { alertsSchema, routeTypes } from './alerts.ts';
import { isSecretKey, secretNamesIn } from './keys.ts';
import { type Path, pathText } from './problem.ts';
import { maskReferences } from './references.ts';
import { sections } from './schema.ts';

/** The text of a configuration file that can be given away. */
export interface MaskedText {
  text: string;
  /** Where a secret stood in clear text: `channels.shop.access_token`. */
  masked: string[];
}

type IsSecret = (key: string) => boolean;

/** A secret that stands in the file itself, and where in the text. */
interface Clear {
  path: Path;
  from: number;
  to: number;
  value: string;
  block: boolean;
}

/**
 * Replaces each secret that stands in clear text by a reference to a variable that is named after its place, and takes
 * it out of comments and every other place too; references such as `${NAME}` and the rest of the text stay as they are.
 * Null: it is no sound YAML, so nobody can say where its secrets are.
 */
export function maskClearSecrets(text: string, definitions: readonly ChannelDefinition[]): MaskedText | null {
  const hidden = maskReferences(text);
  const document = parseDocument(hidden, { prettyErrors: false });
  if (document.errors.length > 0) return null;
  const schemas = [
    ...Object.values(sections),
    alertsSchema,
    ...Object.values(routeTypes),
    ...definitions.map(({ config }) => config),
  ];
  const marked = new Set(schemas.flatMap(secretNamesIn));
  const isSecret = (name: string) => marked.has(name) || isSecretKey(name, []);
  const found = clearIn(document.contents, { path: [], isSecret, secret: false });
  let masked = text;
  for (const { path, from, to, block } of found.toSorted((a, b) => b.from - a.from))
    masked = `${masked.slice(0, from)}"\${${variableOf(path)}}"${block ? '\n' : ''}${masked.slice(to)}`;
  // Longer ones first: a secret may begin with another one.
  const values = [...new Set(found.map(({ value }) => value))].filter((value) => value.length >= 6);
  for (const value of values.toSorted((a, b) => b.length - a.length))
    masked = masked.replaceAll(value, '[masked]');
  return {
    text: withoutCommentedSecrets(masked, isSecret),
    masked: found.map(({ path }) => pathText(path)).sort(),
  };
}

function clearIn(node: unknown, at: { path: Path; isSecret: IsSecret; secret: boolean }): Clear[] {
  const { path, isSecret, secret } = at;
  if (isMap(node))
    return node.items.flatMap(({ key, value }) => {
      const name = isScalar(key) ? String(key.value) : '';
      return clearIn(value, { path: [...path, name], isSecret, secret: secret || isSecret(name) });
    });
  if (isSeq(node)) return node.items.flatMap((item, n) => clearIn(item, { ...at, path: [...path, n] }));
  return secret && isScalar(node) ? clearScalar(node, path) : [];
}

function clearScalar(node: Scalar, path: Path): Clear[] {
  const { value, range, type } = node;
  if (value === null || typeof value === 'boolean' || !range) return [];
  // What is left of a reference after `maskReferences`.
  if (String(value).includes('$\uf77b')) return [];
  const text = String(value).trim();
  if (text === '') return [];
  return [{ path, from: range[0], to: range[1], value: text, block: String(type).startsWith('BLOCK') }];
}

function variableOf(path: Path): string {
  const words = path.filter((part, at) => at > 0 || part !== 'channels').join('_');
  return `MASKED_${words.replace(/[^A-Za-z0-9]+/g, '_').toUpperCase()}`;
}

/** A line that was switched off may still hold the secret of old. */
function withoutCommentedSecrets(text: string, isSecret: IsSecret): string {
  return text.replace(
    /(#[^\r\n]*?\b([a-z_]+)[ \t]*:[ \t]*)(["']?)([^\s"'#]{5,}[^\s"'#:])\3(?=[ \t]*(?:[,}#\r\n]|$))/g,
    (line, before: string, key: string, _quote: string, value: string) =>
      isSecret(key) && !value.includes('${') ? `${before}[masked]` : line,
  );
}
