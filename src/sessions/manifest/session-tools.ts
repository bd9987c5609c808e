/** The containers with programs of this project's image session-tools (Dockerfile). */

import { sessionContainer } from '../../session-contract/containers.ts';

/** Folders of programs in the image. */
const toolFolder = { agent: 'agent', gitProxy: sessionContainer.gitProxy.name } as const;

/** Returns the path of a program in the image. */
export const toolProgram = (tool: keyof typeof toolFolder, name: 'main' | 'pre-stop' = 'main'): string =>
  `/app/src/session-tools/${toolFolder[tool]}/${name}.js`;

/**
 * Returns the probes of a program. The session is ready when all its containers are, so the program is asked every second until it
 * has started: Jupyter, which starts at the same time, takes longer. Later failures restart the program only after a minute, because
 * a restart would interrupt a save or a push.
 */
export function toolProbes(path: string, port: number): object {
  const httpGet = { path, port };
  const later = { httpGet, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 };
  return {
    startupProbe: { httpGet, periodSeconds: 1, failureThreshold: 300 },
    readinessProbe: later,
    livenessProbe: later,
  };
}
