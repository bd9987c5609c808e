import { readCullingNotice } from '../jupyter-server/culling-notice.ts';
import { annotation } from '../jupyter-server/labels.ts';
import type { JupyterServer, JupyterServerStatus } from '../jupyter-server/types.ts';
import { unsavedMessage, whyNotSaved } from './conditions.ts';

/** A Kubernetes Event about a session, which `kubectl describe` shows. */
export interface StoryEvent {
  readonly type: 'Normal' | 'Warning';
  /** One word in CamelCase. */
  readonly reason: string;
  readonly message: string;
}

const normal = (reason: string, message: string): StoryEvent => ({ type: 'Normal', reason, message });
const warning = (reason: string, message: string): StoryEvent => ({ type: 'Warning', reason, message });

/**
 * Returns the events that tell what changes between the written status and the new one. Pure: without a change, there is no
 * event.
 */
export function statusStory(before: JupyterServerStatus | undefined, after: JupyterServerStatus): StoryEvent[] {
  return [
    ...(!before?.create_fn && after.create_fn
      ? [normal('Created', `Created ${Object.keys(after.create_fn.createdResources ?? {}).join(', ')}.`)]
      : []),
    ...scheduled(before, after),
    ...steps(before, after),
    ...stateChange(before, after),
  ];
}

function scheduled(before: JupyterServerStatus | undefined, { mainPod }: JupyterServerStatus): StoryEvent[] {
  const host = mainPod?.status?.hostIP;
  const isKnown = before?.mainPod?.uid === mainPod?.uid && before?.mainPod?.status?.hostIP === host;
  return host && !isKnown
    ? [normal('Scheduled', `The pod ${mainPod.name} has been assigned to the node ${host}.`)]
    : [];
}

const stepsOf = ({ containerStates }: JupyterServerStatus) =>
  Object.entries({ ...containerStates?.init, ...containerStates?.regular });

/** Returns an event when other containers are ready than before, while the session is starting. */
function steps(before: JupyterServerStatus | undefined, after: JupyterServerStatus): StoryEvent[] {
  if (after.state !== 'starting') return [];
  const wereReady = new Set(stepsOf(before ?? {}).flatMap(([name, step]) => (step === 'ready' ? [name] : [])));
  const all = stepsOf(after);
  const ready = all.flatMap(([name, step]) => (step === 'ready' ? [name] : []));
  const waiting = all.flatMap(([name, step]) => (step === 'ready' ? [] : [name]));
  if (ready.every((name) => wereReady.has(name))) return [];
  const rest = waiting.length > 0 ? ` Not ready yet: ${waiting.join(', ')}.` : '';
  return [normal('ContainersReady', `Ready: ${ready.join(', ')}.${rest}`)];
}

function stateChange(before: JupyterServerStatus | undefined, after: JupyterServerStatus): StoryEvent[] {
  const message = after.conditions?.find(({ type }) => type === 'Degraded')?.message;
  const former = before?.conditions?.find(({ type }) => type === 'Degraded')?.message;
  if (before?.state === after.state && !(after.state === 'failed' && former !== message)) return [];
  switch (after.state) {
    case 'running':
      return [normal('Running', 'The session is running.')];
    case 'failed':
      return [warning('Failed', message || 'The session has failed.')];
    case 'hibernated':
      return [normal('Hibernated', `The session is hibernated: its pod is stopped${volumeAfter(after)}.`)];
    case 'starting':
      if (before?.state === 'hibernated') return [normal('Resumed', 'The session is started again.')];
      return before?.state === 'running' ? [warning('NotReady', 'The session is no longer ready.')] : [];
    default:
      return [];
  }
}

const volumeAfter = ({ children }: JupyterServerStatus): string =>
  children?.['pvc'] ? ', and its volume is kept' : '. It has no volume';

/** Returns the event for a new notice about the end of the session. Pure. */
export function cullingStory(server: JupyterServer, text: string | null | undefined): StoryEvent[] {
  const notice = readCullingNotice(text ?? undefined);
  const known = readCullingNotice(server.metadata.annotations?.[annotation.culling]);
  if (!notice || (known?.action === notice.action && known.reason === notice.reason)) return [];
  const why = cullingReasons[notice.reason];
  if (notice.action === 'none' && notice.reason === 'hibernated')
    return [warning('UnsavedWork', `${why} ${unsavedMessage(whyNotSaved(server))}`)];
  if (notice.action === 'none') {
    return [
      warning(
        'NotCulled',
        `${why} It is not stopped, because it has no volume claim and its work is not saved, so it would be lost.`,
      ),
    ];
  }
  const what = notice.action === 'hibernate' ? 'hibernated' : 'deleted';
  return [warning('CullingSoon', `${why} It will be ${what} at ${notice.at}.`)];
}

export const cullingReasons = {
  idle: 'The session is not used.',
  age: 'The session reaches its maximum age.',
  starting: 'The session has been starting for too long.',
  failed: 'The session has failed.',
  hibernated: 'The session has been hibernated for a long time.',
} as const;
