import { describe, expect, it } from 'vitest';
import { hibernation } from '../jupyter-server/hibernation.ts';
import { annotation } from '../jupyter-server/labels.ts';
import { type StopRequest, writeStopRequest } from '../jupyter-server/stop-request.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import { applyMergePatch } from '../lib/merge-patch.ts';
import { clearHibernation } from './update-stateful-set.ts';

const at = '2026-11-20T10:00:00Z';
const request: StopRequest = { id: 'save-1', at, by: 'john', action: 'delete' };
const saved = { location: 'remote', branch: 'b', commit: null, isVerified: true, missing: null };

/** Returns the annotations of a session after the operator has seen that it was resumed. */
function afterResume(stopRequest: StopRequest): Record<string, unknown> {
  const { annotations } = hibernation(new Date(at), undefined, saved).metadata;
  const resumed = {
    spec: { jupyterServer: { hibernated: false } },
    metadata: { annotations: { ...annotations, [annotation.stopRequest]: writeStopRequest(stopRequest) } },
  } as JupyterServer;
  const patch = clearHibernation(resumed);
  if (!patch) throw new Error('there is no change');
  const { metadata } = applyMergePatch(resumed, patch) as JupyterServer;
  return metadata.annotations ?? {};
}

describe('a resumed session', () => {
  it('has no data of its hibernation and of the save before it', () => {
    const annotations = afterResume({ ...request, failure: { reason: 'git', message: 'No.', at } });
    expect(annotations[annotation.hibernationDate]).toBe('');
    expect(annotations).not.toHaveProperty(annotation.savedWork);
    expect(annotations).not.toHaveProperty(annotation.stopRequest);
  });

  it('keeps a stop request that was written after the resume', () => {
    expect(afterResume(request)).toMatchObject({ [annotation.stopRequest]: writeStopRequest(request) });
  });
});
