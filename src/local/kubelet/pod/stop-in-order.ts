import { sleep } from '../../../lib/sleep.ts';
import { sessionContainer } from '../../../session-contract/containers.ts';
import type { ContainerRunner } from '../container/runner.ts';

/** Time after which the agent begins the last save although Jupyter has not ended. */
const jupyterMs = 5_000;

type Stoppable = Pick<ContainerRunner, 'record' | 'stop'>;

/** The containers that end after the others, in this order. */
const last: readonly string[] = [sessionContainer.gitSidecar.name, sessionContainer.gitProxy.name];

/**
 * Stops the containers of a pod within `graceMs`: first Jupyter, so that no file changes any more, then the agent, which saves, then
 * the git proxy, through which the agent pushes. Kubernetes stops all at the same time, and the programs wait for each other.
 * Throws AggregateError if containers could not be stopped, after the others.
 * @param isSaved the agent has saved the work, and is killed
 */
export async function stopInOrder(runners: readonly Stoppable[], graceMs: number, isSaved: boolean): Promise<void> {
  const until = performance.now() + graceMs;
  const failures: unknown[] = [];
  /** Stops all of these containers, also if one of them fails. */
  const stop = async (containers: readonly Stoppable[], isKilled = false): Promise<void> => {
    const results = await Promise.allSettled(
      containers.map((runner) => runner.stop(isKilled ? 0 : Math.ceil(Math.max(0, until - performance.now())))),
    );
    for (const result of results) if (result.status === 'rejected') failures.push(result.reason);
  };
  const others = stop(runners.filter(({ record }) => !last.includes(record.name)));
  const waited = new AbortController();
  await Promise.race([others, ...(isSaved ? [] : [sleep(Math.min(jupyterMs, graceMs), waited.signal)])]);
  waited.abort();
  for (const name of last)
    await stop(
      runners.filter(({ record }) => record.name === name),
      isSaved,
    );
  await others;
  if (failures.length > 0) throw new AggregateError(failures, 'containers could not be stopped');
}
