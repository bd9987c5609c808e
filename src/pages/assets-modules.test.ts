import { describe, expect, it } from 'vitest';
import { type SessionContainer, sessionContainers } from '../session-contract/containers.ts';

interface Telling {
  container: string;
  lines: string[];
  telling: number;
}
interface Session {
  name: string;
  annotations: Record<string, string>;
}
type Step = { step: string; status: string };

/** The modules of the browser that need no browser. Their types are checked with the assets. */
const load = async <Module>(name: string): Promise<Module> => (await import(`./assets/${name}.js`)) as Module;
const { tellingLines } = await load<{
  tellingLines(
    logs: Record<string, string>,
    steps: readonly Step[],
    containers: readonly SessionContainer[],
  ): Telling | null;
}>('telling-lines');
const { labelsOf } = await load<{ labelsOf(sessions: readonly Session[]): Map<string, string> }>('session-words');

const at = '2026-11-20T10:00:01.123456789Z ';
const cloning = { step: 'Cloning and configuring the repository', status: 'failed' };
const starting = { step: 'Starting session', status: 'failed' };

/** As containers write them. */
const samples: [name: string, log: string, telling: string][] = [
  [
    'git that finds no branch',
    `${at}Cloning into 'p'...\n${at}fatal: Remote branch mian not found in upstream origin\n${at}The branch is not there.\n`,
    'fatal: Remote branch mian not found in upstream origin',
  ],
  [
    'a Python traceback, with colours and a line after it',
    `${at}Traceback (most recent call last):\n${at}  File "x.py", line 1, in <module>\n${at}\u001b[31mModuleNotFoundError: No module named 'traitlets'\u001b[0m\n${at}[I ServerApp] done`,
    "ModuleNotFoundError: No module named 'traitlets'",
  ],
  [
    'an exception of a package',
    `${at}[I ServerApp] starting\n${at}traitlets.config.loader.ConfigFileNotFound: no\n${at}jupyter_core.application.JupyterError: cannot start\n`,
    'jupyter_core.application.JupyterError: cannot start',
  ],
  [
    'a full disk',
    `${at}error: unable to write file\n${at}write: No space left on device\n`,
    'write: No space left on device',
  ],
  [
    'Jupyter’s own error',
    `${at}[I ServerApp] fine\n${at}[C ServerApp] Bad config encountered\n${at}[I ServerApp] bye`,
    '[C ServerApp] Bad config encountered',
  ],
  ['a shell', `${at}starting\n${at}/bin/sh: 1: jupyter: not found\n`, '/bin/sh: 1: jupyter: not found'],
  ['one that says nothing of errors', `${at}one\n${at}two\n${at}three\n\n`, 'three'],
];

describe('the telling line of a log', () => {
  it.each(samples)('is found for %s', (_name, log, line) => {
    const found = tellingLines({ 'jupyter-server': log }, [], sessionContainers);
    expect(found?.lines[found.telling]).toBe(line);
    expect(found?.lines.length).toBeLessThanOrEqual(4);
    expect(found?.lines.join()).not.toContain('2026-11-20');
  });

  it('is of the container whose step failed, else of the one that says most', () => {
    const logs = { 'git-clone': 'fatal: no', 'jupyter-server': 'all is well', 'oauth2-proxy': 'error: x' };
    expect(tellingLines(logs, [starting], sessionContainers)?.container).toBe('jupyter-server');
    expect(tellingLines(logs, [cloning], sessionContainers)?.container).toBe('git-clone');
    expect(tellingLines(logs, [], sessionContainers)?.container).toBe('git-clone');
    expect(tellingLines({ 'git-clone': '', 'jupyter-server': 'x' }, [cloning], sessionContainers)?.container).toBe(
      'jupyter-server',
    );
  });

  it('is none where nothing was written', () => {
    expect(tellingLines({}, [cloning], sessionContainers)).toBeNull();
    expect(tellingLines({ 'git-clone': '\n \n' }, [cloning], sessionContainers)).toBeNull();
  });
});

describe('the names of sessions', () => {
  const session = (name: string, project: string, branch: string, commit: string): Session => ({
    name,
    annotations: {
      'renku.io/namespace': 'demo',
      'renku.io/projectName': project,
      'renku.io/branch': branch,
      'renku.io/commit-sha': commit,
    },
  });

  it('tell each from the others', () => {
    const sessions = [
      session('a', 'first-light', 'main', '11111111aaaa'),
      session('b', 'first-light', 'main', '22222222bbbb'),
      session('c', 'first-light', 'topic', '11111111aaaa'),
      { name: 'd', annotations: {} },
    ];
    const labels = labelsOf(sessions);
    expect([...labels.values()]).toEqual([
      'demo/first-light at main, commit 11111111',
      'demo/first-light at main, commit 22222222',
      'demo/first-light at topic',
      'd',
    ]);
  });
});
