import type { Config } from '../../config/types.ts';
import type { SessionWarning } from '../../generated/openapi.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import { readQuantity } from '../../jupyter-server/quantities.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { ageSeconds } from './state.ts';

/** What the owner should know of a session that is otherwise well: its image is not the project's, its end is near. */
export function warnings(server: JupyterServer, config: Config, now: number): SessionWarning[] {
  const { culling } = server.spec ?? {};
  return [
    ...defaultImage(server, config),
    ...soon(left(culling?.idleSecondsThreshold, idleSeconds(server, now)), 'it is not being used', config),
    ...soon(left(culling?.maxAgeSecondsThreshold, ageSeconds(server, now)), 'it reaches its maximum age', config),
  ];
}

export const usesDefaultImage = (server: JupyterServer, config: Config): boolean =>
  server.spec?.jupyterServer?.image === config.sessions.default_image;

function defaultImage(server: JupyterServer, config: Config): SessionWarning[] {
  const wanted = server.metadata.annotations?.[annotation.requestedImage] === config.sessions.default_image;
  if (!usesDefaultImage(server, config) || wanted) return [];
  return [{ message: noProjectImage(config), critical: false }];
}

export const noProjectImage = ({ sessions: { default_image } }: Config): string =>
  `The project has no image for this commit, so the session runs the default image ${default_image}. Packages that the project needs may be missing.`;

/** Operators before 0.9 write the seconds; later ones write when the session was last used. */
function idleSeconds(server: JupyterServer, now: number): number | undefined {
  const counted = readQuantity(server.status?.['idleSeconds']);
  const lastUsed = Date.parse(server.metadata.annotations?.[annotation.lastActivityDate] ?? '');
  return counted ?? (Number.isNaN(lastUsed) ? undefined : (now - lastUsed) / 1000);
}

/** Whole seconds until a threshold; undefined when there is no threshold (0) or nothing to compare it with. */
function left(threshold: number | undefined, seconds: number | undefined): number | undefined {
  return threshold === undefined || threshold <= 0 || seconds === undefined
    ? undefined
    : Math.max(0, Math.floor(threshold - seconds));
}

function soon(seconds: number | undefined, why: string, config: Config): SessionWarning[] {
  if (seconds === undefined || seconds >= config.sessions.termination_warning_duration_seconds) return [];
  return [{ message: `The session will be stopped in ${seconds} seconds because ${why}.`, critical: true }];
}
