import type { Config } from '../../config/types.ts';
import type { SessionWarning } from '../../generated/openapi.ts';
import { annotation, imageCondition } from '../../jupyter-server/labels.ts';
import { readQuantity } from '../../jupyter-server/quantities.ts';
import type { JupyterServer, SessionState } from '../../jupyter-server/types.ts';
import { oneLine } from '../../platform/kubernetes/failures.ts';
import type { PodCondition } from '../../platform/kubernetes/objects.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import { outOfMemoryMeaning, outOfMemoryReason } from './exit-codes.ts';
import { ageSeconds, allContainers } from './state.ts';

/** What the owner should know of a session that is otherwise well: its image is not the project's, its end is near. */
export function warnings(server: JupyterServer, state: SessionState, config: Config, now: number): SessionWarning[] {
  return [
    ...defaultImage(server, config),
    ...incompleteImage(server),
    ...outOfMemory(server),
    ...ending(server, state, config, now),
  ];
}

function ending(server: JupyterServer, state: SessionState, config: Config, now: number): SessionWarning[] {
  const { culling } = server.spec ?? {};
  const soon = (seconds: number | undefined, what: (inSeconds: string) => string): SessionWarning[] =>
    seconds === undefined || seconds >= config.sessions.termination_warning_duration_seconds
      ? []
      : [{ message: what(`in ${seconds} seconds`), critical: true }];
  if (state === 'stopping') return [];
  if (state === 'hibernated') {
    const date = server.metadata.annotations?.[annotation.hibernationDate];
    return soon(
      left(culling?.hibernatedSecondsThreshold, secondsSince(date, now)),
      (when) =>
        `The hibernated session will be deleted ${when}, with all work that was not pushed. To keep it, have the administrator resume it.`,
    );
  }
  return [
    ...soon(
      left(culling?.idleSecondsThreshold, idleSeconds(server, now)),
      (when) => `The session will be stopped ${when} because it is not being used. Use it to keep it.`,
    ),
    ...soon(
      left(culling?.maxAgeSecondsThreshold, ageSeconds(server, now)),
      (when) => `The session will be stopped ${when} because it reaches its maximum age. Push your work before.`,
    ),
  ];
}

export const usesDefaultImage = (server: JupyterServer, config: Config): boolean =>
  server.spec?.jupyterServer?.image === config.sessions.default_image;

function defaultImage(server: JupyterServer, config: Config): SessionWarning[] {
  const wanted = server.metadata.annotations?.[annotation.requestedImage] === config.sessions.default_image;
  if (!usesDefaultImage(server, config) || wanted) return [];
  return [{ message: noProjectImage(config), critical: false }];
}

/** One machine builds the image of a commit itself, and may have left something out of it. */
function incompleteImage(server: JupyterServer): SessionWarning[] {
  const said = conditionOf(server);
  return said?.status === 'True' && said.message ? [{ message: said.message, critical: false }] : [];
}

/** How far the build of the image is; undefined where there is none under way. */
export function buildProgress(server: JupyterServer): string | undefined {
  const said = conditionOf(server);
  return said?.status === 'False' && said.message ? `Installing packages: ${oneLine(said.message, 200)}.` : undefined;
}

const conditionOf = (server: JupyterServer): PodCondition | undefined =>
  server.status?.mainPod?.status?.conditions?.find(({ type }) => type === imageCondition);

/** It runs again, and whoever wonders where their variables are should know why. */
function outOfMemory(server: JupyterServer): SessionWarning[] {
  const jupyter = allContainers(server).find(({ name }) => name === sessionContainer.jupyter.name);
  if (!jupyter?.state?.running || jupyter.lastState?.terminated?.reason !== outOfMemoryReason) return [];
  return [{ message: `${outOfMemoryMeaning(server)} What ran in it was lost.`, critical: false }];
}

export const noProjectImage = ({ sessions: { default_image } }: Config): string =>
  `The project has no image for this commit, so the session runs the default image ${default_image}. Packages that the project needs may be missing.`;

/** Operators before 0.9 write the seconds; later ones write when the session was last used. */
function idleSeconds(server: JupyterServer, now: number): number | undefined {
  const lastUsed = server.metadata.annotations?.[annotation.lastActivityDate];
  return readQuantity(server.status?.['idleSeconds']) ?? secondsSince(lastUsed, now);
}

/** undefined: the date is none. */
function secondsSince(date: string | undefined, now: number): number | undefined {
  const time = Date.parse(date ?? '');
  return Number.isNaN(time) ? undefined : (now - time) / 1000;
}

/** Whole seconds until a threshold; undefined when there is no threshold (0) or nothing to compare it with. */
function left(threshold: number | undefined, seconds: number | undefined): number | undefined {
  return threshold === undefined || threshold <= 0 || seconds === undefined
    ? undefined
    : Math.max(0, Math.floor(threshold - seconds));
}
