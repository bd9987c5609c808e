import { describe, expect, it } from 'vitest';
import { type SessionContainer, sessionContainers } from '../session-contract/containers.ts';

interface LogExcerpt {
  container: string;
  lines: string[];
  reason: number | null;
}
interface Session {
  name: string;
  annotations: Record<string, string>;
}
type Step = { step: string; status: string };

/** Imports a module of the pages that uses no browser API. The types of the module are checked with the assets. */
const load = async <Module>(name: string): Promise<Module> => (await import(`./assets/${name}.js`)) as Module;
const { logExcerpt } = await load<{
  logExcerpt(
    logs: Record<string, string>,
    steps: readonly Step[],
    containers: readonly SessionContainer[],
  ): LogExcerpt | null;
}>('log-excerpt');
const { labelsOf } = await load<{ labelsOf(sessions: readonly Session[]): Map<string, string> }>('session-words');

const at = '2026-11-20T10:00:01.123456789Z ';
const cloning = { step: 'Cloning and configuring the repository', status: 'failed' };
const starting = { step: 'Starting session', status: 'failed' };

/** Examples of container logs, each with the line that has the reason. */
const samples: [name: string, log: string, reason: string][] = [
  [
    'a branch that git does not find',
    `${at}Cloning into 'p'...\n${at}fatal: Remote branch mian not found in upstream origin\n${at}The branch is not there.\n`,
    'fatal: Remote branch mian not found in upstream origin',
  ],
  [
    'a Python traceback with colours and a line after it',
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
    'an error of Jupyter',
    `${at}[I ServerApp] fine\n${at}[C ServerApp] Bad config encountered\n${at}[I ServerApp] bye`,
    '[C ServerApp] Bad config encountered',
  ],
  [
    'a command that a shell does not find',
    `${at}starting\n${at}/bin/sh: 1: jupyter: not found\n`,
    '/bin/sh: 1: jupyter: not found',
  ],
];

describe('the excerpt of a log', () => {
  it.each(samples)('marks the reason: %s', (_name, log, line) => {
    const found = logExcerpt({ 'jupyter-server': log }, [], sessionContainers);
    expect(found?.lines[found.reason ?? -1]).toBe(line);
    expect(found?.lines.length).toBeLessThanOrEqual(4);
    expect(found?.lines.join()).not.toContain('2026-11-20');
  });

  it('comes from the container with the failed step, or else from the container with the most certain reason', () => {
    const logs = { 'git-clone': 'fatal: no', 'jupyter-server': 'all is well', 'oauth2-proxy': 'error: x' };
    expect(logExcerpt(logs, [starting], sessionContainers)?.container).toBe('jupyter-server');
    expect(logExcerpt(logs, [cloning], sessionContainers)?.container).toBe('git-clone');
    expect(logExcerpt(logs, [], sessionContainers)?.container).toBe('git-clone');
    expect(logExcerpt({ 'git-clone': '', 'jupyter-server': 'x' }, [cloning], sessionContainers)?.container).toBe(
      'jupyter-server',
    );
  });

  it('has the last lines, without a marked line, if no line has a reason', () => {
    const log = `${at}one\n${at}two\n${at}three\n${at}four\n\n`;
    expect(logExcerpt({ 'git-clone': log }, [cloning], sessionContainers)).toEqual({
      container: 'git-clone',
      lines: ['two', 'three', 'four'],
      reason: null,
    });
    const begun = { 'git-clone': `${at}Cloning http://127.0.0.1:8000/forge/demo/first-light` };
    expect(logExcerpt(begun, [cloning], sessionContainers)?.reason).toBeNull();
  });

  it('is null if no container has written a line', () => {
    expect(logExcerpt({}, [cloning], sessionContainers)).toBeNull();
    expect(logExcerpt({ 'git-clone': '\n \n' }, [cloning], sessionContainers)).toBeNull();
  });
});

describe('the labels of sessions', () => {
  const session = (name: string, project: string, branch: string, commit: string): Session => ({
    name,
    annotations: {
      'renku.io/namespace': 'demo',
      'renku.io/projectName': project,
      'renku.io/branch': branch,
      'renku.io/commit-sha': commit,
    },
  });

  it('are unique', () => {
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
