import type { Argument, Command, Option } from 'commander';
import { topicNames } from '../topics.ts';

/** What the shell completes by itself. */
export type ShellValues = 'files';
/** What is asked of the books, the configuration or the registry. */
export type LiveValues = 'channel' | 'sku' | 'listing' | 'type';

/** What may stand at the cursor. */
export interface Candidates {
  /** Each with a line that explains it, or ''. */
  words: { word: string; help: string }[];
  live: LiveValues | ShellValues | null;
  /** Arguments that stand before the cursor: a listing is looked for on the channel before it. */
  args: readonly string[];
}

/** Values by the name of an option or, failing that, of what it or an argument takes. */
const sources: Readonly<Record<string, LiveValues | ShellValues>> = {
  channel: 'channel',
  sku: 'sku',
  listing: 'listing',
  parts: 'sku',
  type: 'type',
  types: 'type',
  file: 'files',
  dir: 'files',
  plan: 'files',
};

/** The last of `words` is the one at the cursor, perhaps empty; the others are whole. */
export function candidatesFor(program: Command, words: readonly string[]): Candidates {
  const cursor = words.at(-1) ?? '';
  const place = placeOf(program, words.slice(0, -1));
  const none = { words: [], live: null, args: place.args };
  if (place.waiting !== null) return { ...none, ...valuesOf(place.waiting, place.waiting.attributeName()) };
  if (cursor.startsWith('-') && !place.onlyArguments)
    return { ...none, words: flagsOf(program, place.command, words) };
  if (place.args[0] === 'help') return { ...none, words: helpPages(program) };
  const verbs = place.args.length > 0 ? [] : place.command.commands;
  const argument = argumentAt(place.command, place.args.length);
  const values = argument === null ? { words: [], live: null } : valuesOf(argument, argument.name());
  const commands = verbs.map((verb) => ({ word: verb.name(), help: verb.description() }));
  return { ...none, live: values.live, words: [...commands, ...values.words] };
}

interface Place {
  command: Command;
  args: string[];
  /** The option whose value stands at the cursor. */
  waiting: Option | null;
  /** After `--`. */
  onlyArguments: boolean;
}

/** Follows whole words from the program to where the cursor stands. */
function placeOf(program: Command, words: readonly string[]): Place {
  const place: Place = { command: program, args: [], waiting: null, onlyArguments: false };
  for (const word of words) {
    if (place.waiting !== null) place.waiting = null;
    else if (word === '--') place.onlyArguments = true;
    else if (word.startsWith('-') && !place.onlyArguments) place.waiting = optionIn(program, place, word);
    else {
      const verb =
        place.args.length > 0 ? undefined : place.command.commands.find((each) => each.name() === word);
      if (verb === undefined) place.args.push(word);
      else place.command = verb;
    }
  }
  return place;
}

/** The option that takes the next word as its value. `--name=value` is whole. */
function optionIn(program: Command, { command }: Place, word: string): Option | null {
  const known = [...command.options, ...program.options].find(
    ({ long, short }) => long === word || short === word,
  );
  return known?.required === true || known?.optional === true ? known : null;
}

function argumentAt(command: Command, at: number): Argument | null {
  const all = command.registeredArguments;
  const last = all.at(-1);
  return all[at] ?? (last?.variadic === true ? last : null);
}

function helpPages(program: Command): Candidates['words'] {
  const topics = topicNames.map((word) => ({ word, help: 'what all commands share' }));
  return [...program.commands.map((noun) => ({ word: noun.name(), help: noun.description() })), ...topics];
}

/** What an option or an argument takes; `named` is its own name, before that of its value. */
function valuesOf(taker: Option | Argument, named: string): Pick<Candidates, 'words' | 'live'> {
  const words = (taker.argChoices ?? []).map((word) => ({ word, help: '' }));
  const value = 'flags' in taker ? (/[<[]([\w-]+)/.exec(taker.flags)?.[1] ?? '') : '';
  return { words, live: words.length > 0 ? null : (sources[named] ?? sources[value] ?? null) };
}

/** Flags that may still be given. */
function flagsOf(program: Command, command: Command, words: readonly string[]): Candidates['words'] {
  const own = command === program ? program.options : [...command.options];
  const flags = own
    .filter((option) => !option.hidden && (option.variadic || !words.includes(option.long ?? '')))
    .map((option) => ({ word: option.long ?? option.short ?? '', help: option.description }));
  return [...flags, { word: '--help', help: 'print help' }];
}
