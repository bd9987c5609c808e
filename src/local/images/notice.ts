import { oneLine } from '../../platform/kubernetes/failures.ts';
import { commandFor, type Declared, type Skipped } from './declared.ts';
import type { SkipReason } from './requirement.ts';

/** Of what was skipped, as much is named; a warning is read by a person. */
const named = 6;
const textLength = 80;

const reasons: Record<SkipReason, string> = {
  option: 'an option',
  address: 'an address',
  path: 'a path',
  invalid: 'no requirement by name',
  source: 'from [tool.uv.sources]',
  conda: 'of conda',
};

/** What of the project's files is not in the session's environment, why, and how it gets there; undefined: nothing. */
export function skippedNotice({ skipped, notes }: Declared): string | undefined {
  if (skipped.length === 0 && notes.length === 0) return undefined;
  const some = skipped.slice(0, named).map(describe);
  const more = skipped.length > named ? [`and ${skipped.length - named} more`] : [];
  const list =
    skipped.length === 0 ? [] : [`Not installed, because only packages by name are: ${[...some, ...more].join(', ')}.`];
  const commands = new Set([
    ...notes.flatMap(({ command }) => command ?? []),
    ...skipped.map(({ file }) => commandFor(file)),
  ]);
  const remedy = commands.size === 0 ? [] : [`In a terminal of the session: ${[...commands].join(' ; ')}`];
  return [...notes.map(({ text }) => text), ...list, ...remedy].join(' ');
}

/** `requirements.txt:3 "-r more.txt" (an option)`; passwords in addresses are left out. */
function describe({ file, line, text, why }: Skipped): string {
  const where = line === undefined ? file : `${file}:${line}`;
  return `${where} "${oneLine(withoutPasswords(text), textLength)}" (${reasons[why]})`;
}

export const withoutPasswords = (text: string): string => text.replaceAll(/\/\/[^/@\s]*@/g, '//');
