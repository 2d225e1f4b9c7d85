import type { z } from 'zod';
import { nearest } from './nearest.ts';
import { type Path, type Problem, pathText } from './problem.ts';
import type { Source } from './source.ts';

type Issue = z.core.$ZodIssue;

/** Turns what zod found below `at` into problems with lines. Unknown keys are left out: `unknownKeys` finds them. */
export function problemsOf(
  issues: readonly Issue[],
  at: Path,
  context: { source: Source; helpOf(path: Path): string },
): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const narrow = likeliest(issue);
    if (narrow !== null) {
      return problemsOf(narrow, [...at, ...keysIn(issue)], context);
    }
    if (issue.code === 'unrecognized_keys') return [];
    const path = [...at, ...keysIn(issue)];
    if (context.source.isBroken(path)) return [];
    const { message, hint } = inWords(issue, stateOf(path, context.source));
    const help = context.helpOf(path);
    return [{ path: pathText(path), line: context.source.lineOf(path), message, hint: hint || help }];
  });
}

function keysIn(issue: Issue): (string | number)[] {
  return issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
}

/** Of a union that fits nowhere: the complaints of the branch that came closest. Null when none went deeper. */
function likeliest(issue: Issue): readonly Issue[] | null {
  if (issue.code !== 'invalid_union') return null;
  const deeper = issue.errors.filter((branch) => branch.some((found) => found.path.length > 0));
  const known = deeper.length > 0 ? deeper : issue.errors.slice(0, 1);
  return [...known].sort((a, b) => a.length - b.length)[0] ?? null;
}

function stateOf(path: Path, source: Source): 'missing' | 'empty' | 'given' {
  if (!source.has(path)) return 'missing';
  return source.isEmpty(path) ? 'empty' : 'given';
}

function inWords(issue: Issue, state: 'missing' | 'empty' | 'given'): { message: string; hint: string } {
  const declared = 'params' in issue ? issue.params?.['hint'] : undefined;
  const hint = typeof declared === 'string' ? declared : '';
  if (state === 'empty') return { message: 'has no value', hint };
  switch (issue.code) {
    case 'invalid_type':
      if (state === 'missing') return { message: 'is missing', hint };
      return { message: `is not ${withArticle(issue.expected)}`, hint };
    case 'invalid_value':
      return {
        message: state === 'missing' ? 'is missing' : 'is not a known choice',
        hint: `one of ${issue.values.map(String).join(', ')}`,
      };
    case 'too_small':
      if (issue.origin === 'string' && issue.minimum === 1) return { message: 'is empty', hint };
      return { message: `is below the minimum of ${sizeText(issue.minimum, issue.origin)}`, hint };
    case 'too_big':
      return { message: `is above the maximum of ${sizeText(issue.maximum, issue.origin)}`, hint };
    case 'invalid_format':
      // zod's own sentence may quote the pattern, never the value; a schema's own sentence is for people.
      return { message: issue.message, hint };
    default:
      return { message: issue.message, hint };
  }
}

function withArticle(expected: string): string {
  const words: Readonly<Record<string, string>> = {
    string: 'text (quote it)',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a table of keys',
  };
  return words[expected] ?? `a ${expected}`;
}

function sizeText(limit: number | bigint, origin: string): string {
  if (origin === 'string') return `${limit} characters`;
  return origin === 'array' ? `${limit} entries` : String(limit);
}

/**
 * The keys of the table at `at` that nobody knows. `known` are the keys that may stand there; `homes` tells where a
 * key that is right elsewhere belongs.
 */
export function unknownKeys(
  table: Readonly<Record<string, unknown>>,
  at: Path,
  context: { source: Source; known: Iterable<string>; homes: (key: string) => string | null },
): Problem[] {
  const known = new Set(context.known);
  return Object.keys(table)
    .filter((key) => !known.has(key))
    .map((key) => {
      const path = [...at, key];
      const guess = nearest(key, known);
      const home = context.homes(key);
      const hint =
        home ?? (guess === null ? `known here: ${[...known].join(', ')}` : `did you mean ${guess}?`);
      return { path: pathText(path), line: context.source.lineOf(path), message: 'unknown key', hint };
    });
}
