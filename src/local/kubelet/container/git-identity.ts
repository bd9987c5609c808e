import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { cloneVariable } from '../../../session-contract/clone.ts';
import { localUser } from '../../command-line.ts';

/**
 * `variables` of git-clone without the name and the e-mail address that the machine's owner has set for git: the clone
 * would get the platform's as its own, and commits the wrong author. The platform's stay where git has none, and for
 * every user of the platform but the owner.
 */
export async function withOwnIdentity(
  variables: Record<string, string>,
  machine: Record<string, string>,
): Promise<Record<string, string>> {
  const owner = localUser();
  if (variables[cloneVariable.email] !== owner.email) return variables;
  const { [cloneVariable.fullName]: name, [cloneVariable.email]: email, ...others } = variables;
  const configured = await ownKeys(machine);
  return {
    ...others,
    ...(name === undefined || configured.has('user.name') ? {} : { [cloneVariable.fullName]: name }),
    ...(email === undefined || configured.has('user.email') ? {} : { [cloneVariable.email]: email }),
  };
}

/** Which keys of the user's section git has outside of any repository. */
async function ownKeys(environment: Record<string, string>): Promise<Set<string>> {
  try {
    const { stdout } = await promisify(execFile)('git', ['config', '--null', '--get-regexp', '^user\\.(name|email)$'], {
      cwd: '/',
      env: environment,
      timeout: 10_000,
    });
    // Each entry is the key, a line break, the value; an empty value is none for git.
    const entries = stdout.split('\0').map((entry) => entry.split('\n', 2));
    return new Set(entries.flatMap(([key = '', value = '']) => (value === '' ? [] : [key])));
  } catch (error) {
    // 1: there are none.
    if ((error as { code?: unknown }).code === 1) return new Set();
    throw error;
  }
}
