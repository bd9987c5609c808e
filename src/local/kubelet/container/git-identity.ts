import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { cloneVariable } from '../../../session-contract/clone.ts';
import { localUser } from '../../command-line.ts';

/**
 * Returns git-clone's `variables` without the owner's name or e-mail address if git on this machine has a setting for it.
 * Otherwise the clone would override that setting, and commits would have the wrong author. The variables of other users are
 * not changed.
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

/** Returns the keys of git's `user` section that have a value outside of any repository. */
async function ownKeys(environment: Record<string, string>): Promise<Set<string>> {
  try {
    const { stdout } = await promisify(execFile)('git', ['config', '--null', '--get-regexp', '^user\\.(name|email)$'], {
      cwd: '/',
      env: environment,
      timeout: 10_000,
    });
    // Each entry is the key, a line break, the value; git treats an empty value as missing.
    const entries = stdout.split('\0').map((entry) => entry.split('\n', 2));
    return new Set(entries.flatMap(([key = '', value = '']) => (value === '' ? [] : [key])));
  } catch (error) {
    // git ends with 1 if no key matches.
    if (error instanceof Error && 'code' in error && error.code === 1) return new Set();
    throw error;
  }
}
