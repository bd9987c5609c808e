import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exclusively } from '../../../src/local/python/exclusive.ts';
import { blocksOf, type Ran, runBlocks } from '../../support/document-commands.ts';
import { freePorts } from '../../support/free-ports.ts';
import { environmentOf, pythonFor } from '../../support/session-python/environment.ts';
import { sessionPython } from '../../support/session-python/supervisor.ts';

/**
 * The commands of the package's README work exactly as they are written there, in an environment with Jupyter Server and a gateway
 * from PyPI; only the ports are those of this test. Between them, cells run in the kernel.
 */
const blocks = blocksOf(readFileSync(join(sessionPython, 'README.md'), 'utf8'));
const canRun = (await pythonFor('newest')) !== undefined;
const folder = mkdtempSync(join(tmpdir(), 'notebook-sessions-plain-'));
/** Less than the time limit of a hook. */
const limitMs = 400_000;

let ran: Map<string, Ran>;
beforeAll(async () => {
  if (!canRun) return;
  const { bin, folder: environment } = await environmentOf('newest');
  prepareHome();
  const [server = 0, gateway = 0] = await freePorts(2);
  const execute = (code: string): string =>
    `"${process.execPath}" "${join(import.meta.dirname, '../../support/session-python/execute.ts')}" ` +
    `http://127.0.0.1:${server} $JUPYTER_TOKEN a.ipynb ${code}; echo`;
  const commands = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text);
  const steps: [string, string][] = commands.flatMap((text): [string, string][] => {
    const step: [string, string] = [text, text.replaceAll('8888', `${server}`).replaceAll('9999', `${gateway}`)];
    if (text.startsWith('api -d')) return [step, ['set', `${execute('x=41')}\n`]];
    if (text.startsWith('kill -9'))
      return [step, ['processes', 'wait $server 2> /dev/null; test $? = 137 && kill -0 $gateway\n']];
    if (text.startsWith('start_server')) return [step, ['show', `${execute("'print(x)'")}\n`]];
    return [step];
  });
  // The environment is used by other tests, too, which use the package from its folder.
  const first: [string, string] = [
    'first',
    `trap 'kill -9 $(jobs -p) 2> /dev/null; pip uninstall -qy session-kernels' EXIT\npip uninstall -qy session-kernels\n`,
  ];
  const all = [first, ...steps];
  const env = {
    PATH: `${bin}:${process.env['PATH']}`,
    HOME: folder,
    // setuptools is installed.
    PIP_NO_BUILD_ISOLATION: '0',
    PIP_NO_INDEX: '1',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PIP_ROOT_USER_ACTION: 'ignore',
  };
  const run = async () =>
    runBlocks(
      all.map(([, text]) => text),
      { env, cwd: folder, timeoutMs: limitMs },
    );
  const waiting = () => process.stderr.write('  Waiting for another test that uses the environment\n');
  const { ran: results } = await exclusively(`${environment}.used`, AbortSignal.timeout(limitMs), waiting, run);
  ran = new Map(all.map(([name], at) => [name, results[at] as Ran]));
});
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));

function prepareHome(): void {
  // pip builds beside the source.
  cpSync(sessionPython, join(folder, 'session-python'), { recursive: true });
  mkdirSync(join(folder, '.jupyter'));
  const config = { ServerApp: { allow_root: true } };
  writeFileSync(join(folder, '.jupyter/jupyter_server_config.json'), JSON.stringify(config));
}

/** Returns the result of the only step whose commands contain the text. */
function step(text: string): Ran {
  const [found, ...others] = [...ran].filter(([name]) => name.includes(text));
  if (!found || others.length > 0) throw new Error(`not exactly one step contains ${text}`);
  return found[1];
}

it.skipIf(!canRun)('the commands of the README succeed in a plain environment with Jupyter Server', () => {
  const failed = [...ran].filter(([, { exitCode }]) => exitCode !== 0);
  expect(failed.map(([name]) => name)).toEqual([]);
  expect(step('pip install').output).toContain('Successfully installed session-kernels-0.1.0');
});

it.skipIf(!canRun)('the server that was killed and started again has the session with its kernel and variables', () => {
  const opened = JSON.parse(step('api -d').output) as { id: string; kernel: { id: string } };
  const found = JSON.parse(step('start_server\napi').output);
  expect(found).toMatchObject([{ id: opened.id, path: 'a.ipynb', kernel: { id: opened.kernel.id } }]);
  expect(step('show').output).toContain('41');
});

it.skipIf(!canRun)('the report of a synchronization has the form that the README shows', () => {
  const report = JSON.parse(step('api/sync').output) as Record<string, Record<string, unknown[]>>;
  const shown = JSON.parse(blocks.find(({ language }) => language === 'json')?.text ?? '') as typeof report;
  const membersOf = (each: typeof report) =>
    Object.entries(each).map(([name, value]) => [name, Object.keys(value ?? {})]);
  expect(membersOf(report)).toEqual(membersOf(shown));
  const { id } = (JSON.parse(step('api -d').output) as { kernel: { id: string } }).kernel;
  expect(report['kernels']?.['kept']).toEqual([{ id, name: 'python3', path: expect.stringContaining('a.ipynb') }]);
});

it.skipIf(!canRun)('Jupyter lists the extension as enabled and valid', () => {
  expect(step('extension list').output).toMatch(/session_kernels.*enabled/);
});
