/**
 * Runs the service on this machine with the cluster of a kubeconfig, and restarts it when a source file, the
 * configuration file or openapi.yaml changes. The service uses the namespace and the permissions of the context's user. See `usage`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, unwatchFile, watchFile } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { readConfigFile } from '../src/config/file.ts';
import { isObject } from '../src/lib/json.ts';
import { loadKubeConfig } from '../src/platform/kubernetes/kubeconfig.ts';

const usage = `usage: npm run dev -- [--context NAME] [--namespace NAME]

Runs the service on this machine with a cluster, and restarts it when a source file or its configuration file changes.

  --context NAME    the context of the kubeconfig; without it, asks whether to use the current context
  --namespace NAME  the namespace of the sessions; by default k8s.renku_namespace of the configuration, or else the
                    namespace of the context

The configuration is the file that CONFIG_FILE names, or else .config.hocon if it exists, and the NB_ variables. The
service listens on HOST (by default 127.0.0.1) and PORT (by default 8000).
`;

const root = join(import.meta.dirname, '..');

function fail(message: string): never {
  process.stderr.write(`npm run dev: ${message}\n`);
  process.exit(1);
}

function readArguments() {
  try {
    const options = { context: { type: 'string' }, namespace: { type: 'string' }, help: { type: 'boolean' } } as const;
    return parseArgs({ options }).values;
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  }
}

/** Returns the key `k8s.renku_namespace` if the environment or the configuration file sets it. */
function configuredNamespace(env: NodeJS.ProcessEnv): string | undefined {
  if (env['NB_K8S__RENKU_NAMESPACE']) return env['NB_K8S__RENKU_NAMESPACE'];
  const { k8s } = readConfigFile(env).tree;
  const namespace = isObject(k8s) ? k8s['renku_namespace'] : undefined;
  return typeof namespace === 'string' && namespace !== '' ? namespace : undefined;
}

/** Asks on the terminal. Returns true only if the answer is yes. */
async function confirm(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

const { context: chosen, namespace: chosenNamespace, help } = readArguments();
if (help) {
  process.stdout.write(usage);
  process.exit();
}

const defaultFile = join(root, '.config.hocon');
const configFile = process.env['CONFIG_FILE'] || (existsSync(defaultFile) ? defaultFile : undefined);
const env: NodeJS.ProcessEnv = {
  ...process.env,
  ...(configFile === undefined ? {} : { CONFIG_FILE: configFile }),
  HOST: process.env['HOST'] || '127.0.0.1',
};

const { context, cluster } = await loadKubeConfig(chosen).catch((error: unknown) =>
  fail(error instanceof Error ? error.message : String(error)),
);
if (!context || !cluster) {
  fail(
    'the kubeconfig has no current context. Choose one: kubectl config use-context NAME, or npm run dev -- --context NAME',
  );
}
const namespace = chosenNamespace ?? configuredNamespace(env) ?? context.namespace ?? 'default';

process.stdout.write(
  [
    `context:        ${context.name}`,
    `cluster:        ${cluster.server}`,
    `namespace:      ${namespace}`,
    `configuration:  ${configFile ?? 'only environment variables (there is no .config.hocon; see .config.hocon.example)'}`,
    `address:        ${env['SOCKET'] || `http://${env['HOST']}:${env['PORT'] || 8000}`}`,
    '',
  ].join('\n'),
);
if (chosen === undefined) {
  if (!process.stdin.isTTY) fail(`there is no terminal for a question; name the context: --context ${context.name}`);
  if (!(await confirm('Run the service with this cluster?'))) fail('not started');
}

/** Node.js restarts the service when a file changes that the service imports. These files it reads. */
const filesToRead = [join(root, 'openapi.yaml'), ...(configFile === undefined ? [] : [configFile])];

let restarting = false;
let child = start();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    restarting = false;
    for (const file of filesToRead) unwatchFile(file);
    child.kill(signal);
  });
}
for (const file of filesToRead) {
  watchFile(file, { interval: 500, persistent: false }, (now, before) => {
    if (now.mtimeMs === before.mtimeMs) return;
    process.stdout.write(`Restarting, because ${file} has changed\n`);
    restarting = true;
    child.kill('SIGTERM');
  });
}
for (;;) {
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  if (!restarting) process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0));
  restarting = false;
  child = start();
}

function start(): ChildProcess {
  return spawn(process.execPath, ['--watch', '--watch-preserve-output', join(root, 'src/main.ts')], {
    cwd: root,
    stdio: 'inherit',
    env: { ...env, KUBE_CONTEXT: context?.name, NB_K8S__RENKU_NAMESPACE: namespace },
  });
}
