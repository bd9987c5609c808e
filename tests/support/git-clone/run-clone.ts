import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { cloneVariable } from '../../../src/session-contract/clone.ts';

export interface CloneRun {
  exitCode: number | null;
  /** The output on standard output and standard error. */
  output: string;
  lastLine: string;
}

export type CloneVariables = Partial<Record<keyof typeof cloneVariable, string>>;

export const program = join(import.meta.dirname, '../../../src/session-tools/git-clone/main.ts');

/** Returns the variables with the names of the contract. */
export function cloneEnvironment(variables: CloneVariables): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [cloneVariable[name as keyof typeof cloneVariable], value]),
  );
}

/** Starts the real program with the environment of a container. */
export function startClone(
  variables: CloneVariables,
  environment: Record<string, string> = {},
  command: string[] = [],
): { child: ChildProcess; ended: Promise<CloneRun> } {
  const [executable = process.execPath, ...args] = [...command, process.execPath, program];
  const child = spawn(executable, args, {
    env: { PATH: process.env['PATH'] ?? '', ...environment, ...cloneEnvironment(variables) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = once(child, 'close').then(() => ({
    exitCode: child.exitCode,
    output,
    lastLine: output.trimEnd().split('\n').at(-1) ?? '',
  }));
  return { child, ended };
}

export const runClone = (variables: CloneVariables, environment?: Record<string, string>, command?: string[]) =>
  startClone(variables, environment, command).ended;
