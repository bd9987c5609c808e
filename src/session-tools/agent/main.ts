/**
 * The agent of a session (container `git-sidecar`): reports what would be lost, and saves it. Its API is
 * session-contract/agent.openapi.yaml; the JSON-RPC of renku-notebooks' sidecar is on the loopback address. SIGTERM: saves for the
 * last time, and ends.
 */
import { startAgent } from './agent.ts';
import { readSettings } from './settings.ts';

/** Writes a line without control characters and credentials: it may contain messages of the git server. */
const log = (line: string) => {
  process.stdout.write(`${line.replace(/\p{Cc}+/gu, ' ').replace(/(?<=:\/\/)[^\s/@'"]*@/g, '')}\n`);
};

const terminated = new Promise<void>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
});

try {
  const agent = await startAgent(readSettings(process.env), process.env, log);
  log('The agent has started.');
  await terminated;
  const operation = await agent.end();
  log(`The agent ends. The last save: ${operation?.error?.message ?? operation?.result?.location ?? 'none'}`);
} catch (error) {
  log(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
