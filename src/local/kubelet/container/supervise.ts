import type { PodContext } from '../pod/context.ts';
import type { ContainerRecord } from '../pod/status.ts';
import type { ContainerProcess, ExitRecord } from '../process/container-process.ts';
import type { Container } from '../types.ts';
import { probeLimits, watchServer } from './probe.ts';
import type { ContainerServer } from './server.ts';

/** The grace period of a server that does not respond any more. */
const hungGraceMs = 5_000;

export interface Supervised {
  readonly process: ContainerProcess;
  /** Set if the container has a server that is probed. */
  readonly server: ContainerServer | undefined;
  readonly container: Container;
  readonly record: ContainerRecord;
  readonly pod: PodContext;
}

/**
 * Waits for the end of the process. Until then, a server is probed. The probe updates the record, and a server that fails
 * the probe is stopped; then `probeFailure` is the reason.
 */
export async function superviseProcess(supervised: Supervised): Promise<{ exit: ExitRecord; probeFailure?: string }> {
  const { process, server } = supervised;
  if (!server) return { exit: await process.exited };
  const ended = new AbortController();
  const probing = probeServer(supervised, server, ended.signal);
  const exit = await process.exited;
  ended.abort();
  const probeFailure = await probing;
  return { exit, ...(probeFailure === undefined ? {} : { probeFailure }) };
}

/** Returns why the server was stopped; undefined if the process ended in another way. */
async function probeServer(
  { process, container, record, pod }: Supervised,
  server: ContainerServer,
  signal: AbortSignal,
): Promise<string | undefined> {
  let failure: string;
  try {
    const probe = {
      ...server,
      main: process.main,
      limits: probeLimits(container),
      started: record.started,
      ready: record.ready,
      onReady: (ready: boolean) => {
        record.started ||= ready;
        record.ready = ready;
        pod.report();
      },
      onUnready: (message: string) => pod.event('Warning', 'Unhealthy', message),
    };
    failure = await watchServer(probe, signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    // The probe itself failed, for example because no file descriptor is left. The server may be healthy, so it is not stopped.
    const fields = { err: error, pod: pod.pod.metadata.name, container: container.name };
    pod.machine.log.error(fields, 'the probe of a server failed and has ended');
    return undefined;
  }
  pod.event('Warning', 'Unhealthy', failure);
  pod.event('Normal', 'Killing', `Container ${container.name} failed its probe and will be restarted`);
  await process.stop(hungGraceMs);
  return failure;
}
