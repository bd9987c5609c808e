import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Deadline } from '../../src/lib/deadline.ts';
import { machineVariables } from '../../src/local/kubelet/container/environment-variables.ts';
import { jupyterCommand, jupyterVariables } from '../../src/local/kubelet/container/jupyter.ts';
import { PodDirectory } from '../../src/local/kubelet/pod/directory.ts';
import { preparePython } from '../../src/local/python/prepare.ts';
import type { PythonEnvironment } from '../../src/local/python/types.ts';
import { freePort } from '../../tests/support/free-ports.ts';
import { type Platform, startPlatform } from '../../tests/support/platform.ts';
import {
  demoCommit,
  launchBody,
  type SessionResponse,
  signInToSession,
  waitForState,
} from '../../tests/support/session.ts';
import type { Figure, Report, Size } from '../figure.ts';
import { inTurns, median } from '../rounds.ts';
import { untilAnswered } from '../until-answered.ts';

const startMs = 120_000;

export const session: Figure = {
  name: 'session',
  about: 'from the POST to the first 200 of the Jupyter server, through the ingress',
  run: measure,
};

async function measure(report: Report, { rounds }: Size): Promise<void> {
  const environment = await preparePython({
    cacheDir: join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'notebook-sessions'),
    progress: report.progress,
    signal: AbortSignal.timeout(600_000),
  });
  const platform = await startPlatform({ args: ['--no-demo'] });
  try {
    const commit = await demoCommit(platform);
    report.progress(`${rounds} rounds, after one warm-up`);
    const things = {
      ours: () => launched(platform, commit),
      byHand: () => startedByHand(platform, environment),
    };
    await inTurns(1, things);
    const seconds = await inTurns(rounds, things);
    report.row({
      what: 'POST to the first 200 of its Jupyter',
      measured: median(seconds.ours),
      unit: 's',
      baseline: { is: 'clone and Jupyter without the platform', measured: median(seconds.byHand) },
      target: { of: 'ratio', atMost: 1.5 },
    });
  } finally {
    await platform.dispose();
  }
}

/** As the signed-in user, with the requests of a browser. */
async function launched(platform: Platform, commit: string): Promise<number> {
  const begun = performance.now();
  const response = await platform.api('/notebooks/servers', launchBody(commit));
  const text = await response.text();
  if (response.status !== 201) throw new Error(`the response to the launch was ${response.status}: ${text}`);
  const { name, url } = JSON.parse(text) as SessionResponse;
  const { cookie } = await signInToSession(platform, url);
  await untilAnswered({ url: `${url}/api/status`, headers: () => ({ cookie }), deadline: Deadline.after(startMs) });
  const seconds = (performance.now() - begun) / 1000;
  await platform.api(`/notebooks/servers/${name}?forced=true`, { method: 'DELETE' });
  await waitForState(platform, name, ['gone']);
  return seconds;
}

/** The same clone, then Jupyter with the same command line and variables as in the kubelet. */
async function startedByHand(platform: Platform, environment: PythonEnvironment): Promise<number> {
  const state = mkdtempSync(join(tmpdir(), 'notebook-sessions-bench-'));
  const directory = new PodDirectory(state, 'by-hand');
  const workingDirectory = join(state, 'first-light');
  const token = randomBytes(32).toString('hex');
  try {
    const FORGE_TOKEN = await platform.forgeToken();
    const helper = '!f() { echo username=oauth2; echo "password=$FORGE_TOKEN"; }; f';
    const begun = performance.now();
    await promisify(execFile)(
      'git',
      [
        '-c',
        `credential.helper=${helper}`,
        'clone',
        '--quiet',
        `${platform.origin}/forge/demo/first-light.git`,
        workingDirectory,
      ],
      { env: { ...process.env, FORGE_TOKEN } },
    );
    const port = await freePort();
    const variables = await jupyterVariables(directory, token, undefined);
    const [program = '', ...args] = jupyterCommand({
      environment,
      directory,
      mounts: [],
      workingDirectory,
      address: '127.0.0.1',
      port,
    });
    const jupyter = spawn(program, args, {
      cwd: workingDirectory,
      env: { ...machineVariables(process.env, environment.programs), ...variables },
      stdio: 'ignore',
    });
    const ended = once(jupyter, 'exit');
    try {
      const url = `http://127.0.0.1:${port}/api/status`;
      await untilAnswered({
        url,
        headers: () => ({ authorization: `token ${token}` }),
        deadline: Deadline.after(startMs),
      });
      return (performance.now() - begun) / 1000;
    } finally {
      jupyter.kill('SIGTERM');
      await ended;
    }
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
}
