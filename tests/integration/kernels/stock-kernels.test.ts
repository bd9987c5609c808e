import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Environment, environmentOf, pythonFor } from '../../support/session-python/environment.ts';
import { sessionPython } from '../../support/session-python/supervisor.ts';

const run = promisify(execFile);
const canRun = (await pythonFor('newest')) !== undefined;
const folder = mkdtempSync(join(tmpdir(), 'notebook-sessions-kernels-'));
const kernels = ['python3', 'bash', 'xpython'];

type Results = Record<string, Record<string, string>>;
let environment: Environment;
let stock: Results;
let found: Results;

beforeAll(async () => {
  if (!canRun) return;
  environment = await environmentOf('newest');
  await run(environment.python, ['-m', 'bash_kernel.install', '--prefix', folder], { env: variables('.') });
  [stock, found] = await Promise.all([checkStock(), checkFound()]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));

async function checkStock(): Promise<Results> {
  await check('stock', 'stock');
  return resultsIn('stock');
}

async function checkFound(): Promise<Results> {
  // The process that starts the kernels kills itself.
  await expect(check('leave', 'found')).rejects.toMatchObject({ signal: 'SIGKILL' });
  await check('found', 'found');
  return resultsIn('found');
}

async function check(mode: string, place: string): Promise<void> {
  const home = join(folder, place);
  mkdirSync(home, { recursive: true });
  const script = join(sessionPython, 'tests/kernel_checks.py');
  await run(environment.python, [script, mode, home, ...kernels], { env: variables(place), timeout: 400_000 });
}

const resultsIn = (place: string): Results => JSON.parse(readFileSync(join(folder, place, 'results.json'), 'utf8'));

function variables(place: string): NodeJS.ProcessEnv {
  return {
    PATH: `${environment.bin}:${process.env['PATH']}`,
    HOME: join(folder, place),
    JUPYTER_PATH: join(folder, 'share/jupyter'),
    PYTHONPATH: sessionPython,
    PYTHONDONTWRITEBYTECODE: '1',
  };
}

const widget = 'application/vnd.jupyter.widget-view+json, value: 7 [7]';
const ofPython = { input: 'got Ada', matplotlib: 'image/png', widgets: widget, notebook: '2', restart: 'x: unset' };

it.skipIf(!canRun)('a stock kernel does what the checks expect', () => {
  expect(stock).toEqual({
    python3: {
      variable: '41',
      interrupt: 'begun: yes, then: 41',
      'output of processes': 'from a process',
      ...ofPython,
      debugger: 'stopped in line 3, then ok',
      end: 'by itself: yes',
    },
    bash: { variable: '41', interrupt: 'begun: yes, then: 41', restart: 'x: unset', end: 'by itself: yes' },
    xpython: { variable: '41', ...ofPython },
  });
});

it.skipIf(!canRun)('kernels of Python, bash and xeus that were found again do what stock kernels do', () => {
  expect(found).toEqual(stock);
});
