import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..', '..');

/**
 * Measures a small part of some figures of `npm run bench`. Returns those with a measurement. Throws with the output if one fails or
 * cannot be measured.
 */
export async function measurable(figures: readonly string[]): Promise<string[]> {
  const args = ['bench/main.ts', '--only', figures.join(','), '--rounds', '1', '--part', '0.01'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root }).catch(
    ({ stdout, stderr }: { stdout: string; stderr: string }) => ({ stdout: `FAILED\n${stdout}\n${stderr}` }),
  );
  if (/^(FAILED|NOT MEASURED)/m.test(stdout)) throw new Error(stdout);
  const sections = stdout.split(/^(?=[\w-]+: )/m);
  return figures.filter((name) => sections.some((each) => each.startsWith(`${name}: `) && /^\| /m.test(each)));
}
