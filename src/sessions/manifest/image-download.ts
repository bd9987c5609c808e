import { sessionContainer } from '../../session-contract/containers.ts';
import { smallRequests } from './certificates.ts';
import { add, type JsonPatch, jsonPatch, type ManifestInput } from './input.ts';

/** Ends at once: it makes the download of a large image a step of its own, which the user sees. */
export const imageDownload = (input: ManifestInput): JsonPatch =>
  jsonPatch(
    add('/initContainers/-', {
      name: sessionContainer.imageDownload.name,
      image: input.image.reference,
      command: ['sh', '-c'],
      args: ['exit 0'],
      resources: smallRequests,
      securityContext: { allowPrivilegeEscalation: false, runAsUser: 1000, runAsGroup: 100, runAsNonRoot: true },
    }),
  );
