import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { ada, type ServedForge, serveForge } from '../local/forge/served-forge.ts';
import { type AgentProcess, startAgentProcess } from './agent-process.ts';

/**
 * Starts a git server for the tests of a file, and hands it over with a token of Ada. Returns a function that starts an agent, which is
 * ended after the test that has started it, or after the last test. After each test, the git server accepts requests again.
 */
export function serveAgents(ready: (served: ServedForge, token: string) => void): typeof startAgentProcess {
  let served: ServedForge;
  let isInTest = false;
  const ofTest: AgentProcess[] = [];
  const ofFile: AgentProcess[] = [];
  const end = (agents: AgentProcess[]) => Promise.all(agents.splice(0).map((agent) => agent.stop('SIGKILL')));

  beforeAll(async () => {
    served = await serveForge();
    ready(served, served.forge.issueToken(ada).token);
  });
  beforeEach(() => {
    isInTest = true;
  });
  afterEach(async () => {
    isInTest = false;
    served.intercept = () => false;
    await end(ofTest);
  });
  afterAll(async () => {
    await end(ofFile);
    await served?.close();
  });
  return async (...args) => {
    const agent = await startAgentProcess(...args);
    (isInTest ? ofTest : ofFile).push(agent);
    return agent;
  };
}
