import { sessionUser, unprivileged, withLogInStatus } from '../../session-contract/container-defaults.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import { smallRequests } from './certificates.ts';
import { add, type JsonPatch, jsonPatch, type ManifestInput } from './input.ts';

/** Adds an init container with the session's image that ends immediately. The download of the image becomes a separate step. */
export const imageDownload = (input: ManifestInput): JsonPatch =>
  jsonPatch(
    add('/initContainers/-', {
      name: sessionContainer.imageDownload.name,
      image: input.image.reference,
      command: ['sh', '-c'],
      args: ['exit 0'],
      resources: smallRequests,
      securityContext: unprivileged(sessionUser),
      ...withLogInStatus,
    }),
  );
