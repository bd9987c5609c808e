import ignore from 'ignore';
import { reservedFolder } from './paths.ts';

/** Which paths are not synchronized: rules as in `.gitignore`, at the top of the folder. */
export type IsIgnored = (path: string, isFolder: boolean) => boolean;

/**
 * Rules that always apply. A repository is never synchronized: its configuration and its hooks run programs, and a half transferred
 * one is damaged. A folder inside of this one can be the remote of another session, with a folder of file sync of its own.
 */
const always = ['.git', reservedFolder];

/** The rules of a folder whose settings name none. */
export const defaultRules: readonly string[] = ['.ipynb_checkpoints/'];

const maxRules = 200;
const maxRuleLength = 300;
/** Each asterisk multiplies the time of a comparison with a long name. */
const maxAsterisks = 4;

/** Returns what is invalid in the rules, with the index; undefined if they are valid. */
export function errorInRules(rules: readonly string[]): string | undefined {
  if (rules.length > maxRules) return `ignore: must have at most ${maxRules} rules`;
  for (const [index, rule] of rules.entries()) {
    if (rule.length > maxRuleLength) return `ignore[${index}]: must have at most ${maxRuleLength} characters`;
    if (/\p{Cc}/u.test(rule)) return `ignore[${index}]: must be one line without control characters`;
    const asterisks = rule.match(/\*+/g)?.length ?? 0;
    if (asterisks > maxAsterisks) return `ignore[${index}]: must have at most ${maxAsterisks} asterisks`;
  }
  return undefined;
}

export function createIgnoreRules(rules: readonly string[]): IsIgnored {
  // Later rules cancel earlier ones, and no rule of the owner those that always apply.
  const all = ignore({ ignorecase: false })
    .add([...rules])
    .add(always);
  return (path, isFolder) => all.ignores(isFolder ? `${path}/` : path);
}
