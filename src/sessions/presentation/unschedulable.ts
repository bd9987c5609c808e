import {
  fitsNowhere,
  insufficientResource,
  parseSchedulerMessage,
  type SchedulerReport,
} from '../../jupyter-server/scheduler-message.ts';
import { oneLine } from '../../platform/kubernetes/failures.ts';

const wait = 'Wait until others have stopped their sessions';

/** Returns why the scheduler finds no node for the session, and what the owner can do. */
export function unschedulableReason(message: string): string {
  const report = parseSchedulerMessage(message);
  const [first] = report?.reasons ?? [];
  if (!report || !first) return oneLine(message, 500);
  return `The session cannot be scheduled because of: ${reasonsOf(report)}. ${remedyFor(report)}`;
}

function reasonsOf({ nodes, reasons }: SchedulerReport): string {
  const [first] = reasons;
  if (reasons.length === 1 && first?.nodes === nodes) return oneLine(first.text, 300);
  return oneLine(reasons.map((each) => `${each.text} (${each.nodes} of ${nodes} machines)`).join('; '), 500);
}

/**
 * Returns the remedy. The message does not say how large the nodes are, and the service has no access to nodes, but schedulers
 * since Kubernetes 1.31 say on which nodes the end of all other pods would not help.
 */
function remedyFor(report: SchedulerReport): string {
  const resources = report.reasons.map(({ text }) => insufficientResource(text)).filter((each) => each !== undefined);
  const less = `launch the session again with less ${resources.map(nameOf).join(' and ')}`;
  if (fitsNowhere(report)) {
    return resources.length > 0
      ? `No machine that sessions may use has that much, so waiting does not help: ${less}, or tell the administrator.`
      : 'No machine of the cluster accepts the session, so waiting does not help: tell the administrator.';
  }
  if (resources.length > 0) return `${wait}, or ${less}.`;
  return `${wait}; tell the administrator if that does not help.`;
}

const names: Readonly<Record<string, string>> = {
  cpu: 'CPU',
  'nvidia.com/gpu': 'GPUs',
  'ephemeral-storage': 'storage',
};
const nameOf = (resource: string): string => (Object.hasOwn(names, resource) ? names[resource] : undefined) ?? resource;
