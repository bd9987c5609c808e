import { oneLine } from '../../platform/kubernetes/failures.ts';
import { commandFor, type Declaration, type Skipped } from './declaration.ts';
import type { SkipReason } from './requirement.ts';

/** Maximum number of skipped lines that a warning lists. */
const maxListed = 6;
const textLength = 80;

const reasons: Record<SkipReason, string> = {
  option: 'an option',
  address: 'an address',
  path: 'a path',
  invalid: 'not the name of a package',
  source: 'in [tool.uv.sources]',
  conda: 'a conda package',
};

/** Returns a warning about declared packages that are not installed, with the remedy; undefined if there are none. */
export function skippedNotice({ skipped, notes }: Declaration): string | undefined {
  if (skipped.length === 0 && notes.length === 0) return undefined;
  const some = skipped.slice(0, maxListed).map(describe);
  const more = skipped.length > maxListed ? [`and ${skipped.length - maxListed} more`] : [];
  const list =
    skipped.length === 0
      ? []
      : [`Not installed, because only packages by name are installed: ${[...some, ...more].join(', ')}.`];
  const commands = new Set([
    ...notes.flatMap(({ command }) => command ?? []),
    ...skipped.map(({ file }) => commandFor(file)),
  ]);
  const remedy = commands.size === 0 ? [] : [`In a terminal of the session: ${[...commands].join(' ; ')}`];
  return [...notes.map(({ text }) => text), ...list, ...remedy].join(' ');
}

/** Returns for example `requirements.txt:3 "-r more.txt" (an option)`, without passwords in addresses. */
function describe({ file, line, text, reason }: Skipped): string {
  const where = line === undefined ? file : `${file}:${line}`;
  return `${where} "${oneLine(withoutPasswords(text), textLength)}" (${reasons[reason]})`;
}

export const withoutPasswords = (text: string): string => text.replaceAll(/\/\/[^/@\s]*@/g, '//');
