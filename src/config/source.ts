import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
} from 'yaml';
import { isTable } from './lenient.ts';
import { type Path, type Problem, pathText } from './problem.ts';
import { expand, maskReferences, type ReferenceSources, unmaskReferences } from './references.ts';

/** The file as read: plain data with references expanded, and where each part of it stands. */
export interface Source {
  data: Record<string, unknown>;
  problems: Problem[];
  /** False when the text is no sound YAML: then `data` says nothing, and no further checks make sense. */
  readable: boolean;
  /** Line of a key, or of the nearest thing around it that exists. */
  lineOf(path: Path): number;
  /** Does the file say anything at this path? */
  has(path: Path): boolean;
  /** The key stands there with nothing after it. */
  isEmpty(path: Path): boolean;
  /** The scalar came from `${…}`, at least in part. */
  isReferenced(path: Path): boolean;
  /** A problem at this path is already known (a reference that leads nowhere). */
  isBroken(path: Path | string): boolean;
  /** What references expanded to, for keeping it out of messages. */
  expandedValues: string[];
}

const maxNodes = 50_000;
const maxDepth = 32;

/** Messages of the YAML library quote the text, which may be a secret, so the common ones are said in own words. */
const inOwnWords: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'the key is given twice',
  BAD_ALIAS: 'an unquoted value must not start with * (an alias that is not defined)',
  TAG_RESOLVE_FAILED: 'an unquoted value must not start with ! (an unknown tag)',
  TAB_AS_INDENT: 'a tab is used for indentation',
  BAD_INDENT: 'the indentation is wrong',
  MISSING_CHAR: 'something is missing: a colon, a comma, a quote or a bracket',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line, with its colon',
  BLOCK_AS_IMPLICIT_KEY: 'a second "key: value" stands on one line; quote values that contain ": "',
  UNEXPECTED_TOKEN: 'something unexpected stands here; quote values with special characters',
};
/** Errors that leave the rest of the file readable. */
const harmless = new Set(['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED']);

/** What a walk through the file has gathered so far. Sets and the map are keyed by `pathText`. */
interface Walk {
  document: Document.Parsed;
  sources: ReferenceSources;
  lineAt(offset: number | undefined): number;
  lines: Map<string, number>;
  referenced: Set<string>;
  broken: Set<string>;
  empty: Set<string>;
  problems: Problem[];
  expandedValues: string[];
  nodes: number;
}

/** Parses YAML text. Never throws on its content; every problem carries its line. */
export function readSource(text: string, sources: ReferenceSources): Source {
  const counter = new LineCounter();
  const document = parseDocument(maskReferences(text), { lineCounter: counter, prettyErrors: false });
  const walk: Walk = {
    document,
    sources,
    lineAt: (offset) => (offset === undefined ? 1 : counter.linePos(offset).line),
    lines: new Map(),
    referenced: new Set(),
    broken: new Set(),
    empty: new Set(),
    problems: syntaxProblems([...document.errors, ...document.warnings], counter),
    expandedValues: [],
    nodes: 0,
  };
  const sound = document.errors.every((error) => harmless.has(error.code));
  const root = (sound ? plain(document.contents, { path: [], line: 1 }, walk) : null) ?? {};
  if (walk.nodes > maxNodes)
    add(walk, { path: [], line: 1 }, `more than ${maxNodes} values`, 'do not nest aliases');
  const data = isTable(root) ? root : {};
  if (data !== root)
    add(walk, { path: [], line: 1 }, 'the file is not a table of keys', 'see config.example.yaml');
  return {
    data,
    problems: walk.problems,
    readable: sound && data === root,
    expandedValues: walk.expandedValues,
    has: (path) => walk.lines.has(pathText(path)),
    isEmpty: (path) => walk.empty.has(pathText(path)),
    isReferenced: (path) => walk.referenced.has(pathText(path)),
    isBroken: (path) => walk.broken.has(typeof path === 'string' ? path : pathText(path)),
    lineOf: (path) => nearestLine(path, walk.lines),
  };
}

/** Where a node stands. An alias stands where it is used. */
interface Spot {
  path: Path;
  line: number;
}

function plain(node: unknown, spot: Spot, walk: Walk): unknown {
  const { path, line } = spot;
  walk.nodes += 1;
  walk.lines.set(pathText(path), line);
  if (walk.nodes > maxNodes || path.length > maxDepth) return null;
  if (isAlias(node)) return plain(node.resolve(walk.document) ?? null, spot, walk);
  if (node === null || (isScalar(node) && node.value === null)) walk.empty.add(pathText(path));
  if (isScalar(node)) return scalar(node.value, spot, walk);
  if (isSeq<Node>(node)) {
    return node.items.map((item, at) => {
      return plain(item, { path: [...path, at], line: walk.lineAt(item?.range?.[0]) }, walk);
    });
  }
  if (!isMap<Node, Node>(node)) return null;
  const table: Record<string, unknown> = {};
  for (const pair of node.items) {
    const key = isScalar(pair.key) ? unmaskReferences(String(pair.key.value)) : '';
    const below = { path: [...path, key], line: walk.lineAt(pair.key.range?.[0]) };
    if (key === '' || key === '__proto__') {
      add(walk, below, 'a key must be a plain name', 'see config.example.yaml');
    } else table[key] = plain(pair.value, below, walk);
  }
  return table;
}

function scalar(value: unknown, spot: Spot, walk: Walk): unknown {
  if (typeof value !== 'string') return value;
  const found = expand(unmaskReferences(value), walk.sources);
  if (found.kind === 'plain') return found.text;
  walk.referenced.add(pathText(spot.path));
  if (found.kind === 'expanded') {
    walk.expandedValues.push(...found.values);
    return found.text;
  }
  for (const failure of found.failures) add(walk, spot, failure.message, failure.hint);
  return value;
}

function add(walk: Walk, spot: Spot, message: string, hint: string): void {
  const path = pathText(spot.path);
  walk.broken.add(path);
  walk.problems.push({ path, line: spot.line, message, hint });
}

function nearestLine(path: Path, lines: ReadonlyMap<string, number>): number {
  for (let length = path.length; length > 0; length -= 1) {
    const line = lines.get(pathText(path.slice(0, length)));
    if (line !== undefined) return line;
  }
  return 1;
}

/** One problem per line, since one mistake makes the parser stumble several times; five lines at most. */
function syntaxProblems(errors: readonly YAMLError[], counter: LineCounter): Problem[] {
  const byLine = new Map<number, Problem>();
  for (const error of errors) {
    const line = counter.linePos(error.pos[0]).line;
    if (byLine.has(line)) continue;
    const message = inOwnWords[error.code] ?? `the YAML is not sound (${error.code})`;
    byLine.set(line, { path: '', line, message, hint: 'mend the YAML here, or quote the value' });
  }
  return [...byLine.values()].slice(0, 5);
}
