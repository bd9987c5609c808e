/**
 * The message of the Kubernetes scheduler about a pod that fits on no node. Its grammar, from Kubernetes 1.20 to 1.36:
 *
 *     message     = report | other text
 *     report      = "0/" NODES " nodes are available: " reasons "." [ " " post-filters ]
 *     reasons     = counted *( ", " counted ) | one reason for all nodes, without a number
 *     counted     = NODES " " reason
 *     postFilters = post-filter *( ", " post-filter )
 *     post-filter = "preemption: " ( report | text ) | text of another plug-in
 *
 * A reason may contain commas, but no comma is followed by a number, and no full stop by a space. One node may have several
 * reasons. The post-filters say whether the pod would fit if other pods ended.
 */
export interface SchedulerReport {
  /** The number of nodes of the cluster. */
  readonly nodes: number;
  /** The reasons with the number of nodes that have each of them, the most frequent first. */
  readonly reasons: readonly { readonly nodes: number; readonly text: string }[];
  /** The number of nodes on which the pod would not fit even without any other pod; undefined if the message does not say. */
  readonly unsuitableNodes: number | undefined;
}

const header = /^0\/(\d+) nodes are available:\s*/;
/** The reason in a report about preemption for nodes on which the end of other pods would not help. */
const notHelpful = /^Preemption is not helpful/;

/** Returns the parts of a scheduler's message; undefined if the message has another form. */
export function parseSchedulerMessage(message: string): SchedulerReport | undefined {
  const report = parseReport(message.trim());
  if (!report) return undefined;
  const { nodes, reasons, rest } = report;
  const preemption = parseReport(rest.split(/(?:^|, )preemption: /)[1] ?? '');
  const unsuitable = preemption?.reasons.filter(({ text }) => notHelpful.test(text));
  return { nodes, reasons, unsuitableNodes: unsuitable?.reduce((sum, each) => sum + each.nodes, 0) };
}

function parseReport(text: string) {
  const [start, count = ''] = header.exec(text) ?? [];
  if (start === undefined) return undefined;
  const nodes = Number(count);
  const body = text.slice(start.length);
  const end = body.search(/\.+(\s|$)/);
  const list = end < 0 ? body : body.slice(0, end);
  const rest = end < 0 ? '' : body.slice(end).replace(/^\.+\s*/, '');
  const reasons = list
    .split(/, (?=\d+ )/)
    .filter((each) => each !== '')
    .map((each) => {
      const [, number, reason] = /^(\d+) (.+)$/s.exec(each) ?? [];
      return reason === undefined ? { nodes, text: each } : { nodes: Number(number), text: reason };
    })
    .sort((one, other) => other.nodes - one.nodes);
  return { nodes, reasons, rest };
}

/** Returns whether the pod fits on no node even without any other pod: until the cluster changes, waiting does not help. */
export const fitsNowhere = ({ nodes, unsuitableNodes }: SchedulerReport): boolean =>
  nodes > 0 && unsuitableNodes !== undefined && unsuitableNodes >= nodes;

/** Returns the name of the resource of which nodes have too little, for example `cpu`; undefined for other reasons. */
export const insufficientResource = (reason: string): string | undefined => /^Insufficient (\S+)$/.exec(reason)?.[1];
