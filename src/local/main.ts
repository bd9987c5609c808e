import { rmSync } from 'node:fs';
import { constants } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { Deadline } from '../lib/deadline.ts';
import { hasCode } from '../lib/error-code.ts';
import { type CommandLine, helpText, parseCommandLine } from './command-line.ts';
import { demoProject, firstProject, launchFirst, launchPageOf } from './first-session.ts';
import { PortTaken } from './http/listen.ts';
import { isDiskFull } from './machine/disk.ts';
import { endMarked } from './machine/processes.ts';
import { createTerminal, type Terminal } from './machine/terminal.ts';
import { type Platform, startPlatform } from './platform.ts';
import { removeEnvironments } from './python/prepare.ts';
import { openState } from './state.ts';
import { UserError } from './user-error.ts';

const launchDeadlineMs = 20_000;
/** A second signal within this time belongs to the same Ctrl-C: the terminal and npm both send one. */
const sameSignalMs = 1_000;

async function start(options: CommandLine, terminal: Terminal): Promise<number> {
  const state = openState(options.stateDir);
  const [stopping, hurrying] = [new AbortController(), new AbortController()];
  const interrupts = watchSignals(() => stopping.abort());
  // Also while an interrupted start is being undone.
  void interrupts.second.then(() => hurrying.abort());
  try {
    terminal.say('\nNotebook Sessions');
    const platform = await startPlatform(options, state, terminal, {
      ...{ stop: stopping.signal, hurry: hurrying.signal },
    });
    terminal.step('service and operator are running');
    await printAddresses(platform, options, terminal);
    await interrupts.first;
    terminal.say(
      '\nStopping the sessions, then the platform. Files are kept, and the next start restores the sessions.',
    );
    await platform.stop();
    terminal.say('Stopped.');
    return 0;
  } catch (error) {
    if (stopping.signal.aborted) return 128 + constants.signals.SIGINT;
    throw error;
  } finally {
    state.release();
  }
}

async function printAddresses(platform: Platform, options: CommandLine, terminal: Terminal): Promise<void> {
  const first = platform.forge ? firstProject(platform.ownProjects, options.demo) : undefined;
  const next = first ? launchPageOf(first) : '/notebooks/';
  if (first && options.demo) {
    terminal.step(`launching ${first.namespace}/${first.project}`);
    try {
      await launchFirst(platform, first, Deadline.after(launchDeadlineMs));
    } catch (error) {
      // Not an error of the platform: the page behind the link tries again and shows the reason.
      terminal.detail(`the session was not launched: ${error instanceof Error ? error.message : error}`);
    }
  }
  // A real GitLab has no demo project.
  const example = platform.forge ? demoProject : { namespace: 'GROUP', project: 'PROJECT' };
  terminal.say(`
  Open this link (it signs you in once, within 10 minutes):

    ${platform.signInLink(next)}

  API documentation   ${platform.publicOrigin}/notebooks/docs
  New sign-in link    curl -b ${platform.cookieFile} -X POST ${platform.origin}/auth/links
  kubectl             export KUBECONFIG=${options.stateDir}/kubeconfig

  Launch another session from here:

    curl -b ${platform.cookieFile} -H 'Content-Type: application/json' \\
      -d '${JSON.stringify({ ...example, branch: 'main', commit_sha: 'main' })}' \\
      ${platform.origin}/notebooks/servers

  Ctrl-C stops the platform and keeps its state in ${options.stateDir}
`);
}

async function reset(options: CommandLine, terminal: Terminal): Promise<number> {
  const state = openState(options.stateDir);
  if (!options.yes && process.stdin.isTTY) {
    const question = createInterface({ input: process.stdin, output: process.stdout });
    const confirmation = await question.question(
      `Delete ${options.stateDir} with all sessions and the unsaved work in them${
        options.environment ? `, and the Python environments in ${options.cacheDir}` : ''
      }? [y/N] `,
    );
    question.close();
    if (!/^y(es)?$/i.test(confirmation.trim())) {
      state.release();
      terminal.say('Nothing was deleted.');
      return 1;
    }
  }
  // A platform that was killed leaves its sessions running.
  const left = await endMarked(`${state.marker}/`, 5_000);
  if (left.length > 0)
    throw new Error(`these processes of sessions could not be ended: ${left.map(({ pid }) => pid).join(', ')}`);
  if (options.environment) {
    removeEnvironments(options.cacheDir);
    terminal.say(`Deleted the Python environments in ${options.cacheDir}.`);
  }
  rmSync(options.stateDir, { recursive: true, force: true });
  state.release();
  terminal.say(`Deleted ${options.stateDir}.`);
  return 0;
}

function watchSignals(onFirst: () => void): { first: Promise<void>; second: Promise<void> } {
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  let since: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (since === undefined) {
        since = performance.now();
        onFirst();
        first.resolve();
      } else if (performance.now() - since > sameSignalMs) {
        second.resolve();
      }
    });
  }
  return { first: first.promise, second: second.promise };
}

/** Ignores that an output was closed, as by `npm start | head`: the platform must still save and end its sessions. */
function ignoreClosedOutput(): void {
  for (const output of [process.stdout, process.stderr]) {
    output.on('error', (error) => {
      if (!hasCode(error, 'EPIPE', 'EIO')) throw error;
    });
  }
}

async function main(): Promise<number> {
  ignoreClosedOutput();
  const terminal = createTerminal(process.stdout);
  try {
    const options = parseCommandLine(process.argv.slice(2), process.env, process.cwd());
    if (options.command === 'help') {
      terminal.say(helpText);
      return 0;
    }
    return await (options.command === 'reset' ? reset(options, terminal) : start(options, terminal));
  } catch (error) {
    process.stderr.write(`\n${explain(error)}\n`);
    return 1;
  }
}

/** Returns one sentence with the remedy if the cause is known; the stack for a bug. */
function explain(error: unknown): string {
  if (error instanceof UserError) return error.message;
  if (error instanceof PortTaken) {
    return `Port ${error.port} is used by another program. Stop that program, or use another port: npm start -- --port ${error.port + 1}`;
  }
  if (!(error instanceof Error)) return String(error);
  const { code, path } = error as NodeJS.ErrnoException;
  if (path !== undefined && (code === 'EEXIST' || code === 'ENOTDIR' || code === 'EISDIR'))
    return `${path} is a file instead of a folder, or a folder instead of a file. Move it away and start again.`;
  if (isDiskFull(error)) return `The disk is full: ${error.message}. Free some space and start again.`;
  if (code === 'EACCES' || code === 'EPERM')
    return `Permission denied: ${error.message}. Check the owner of that folder, or use another one with --state.`;
  return error.name === 'Error' ? error.message : (error.stack ?? error.message);
}

process.exitCode = await main();
