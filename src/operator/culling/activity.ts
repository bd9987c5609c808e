import { asObject, isObject } from '../../lib/json.ts';

/** The activity that a Jupyter server reports. Times are in milliseconds since the epoch, and never in the future. */
export interface Activity {
  /** The last activity of Jupyter itself, of its kernels or of its terminals. */
  readonly lastAt: number;
  /** Whether a kernel executes code, or a browser or program is connected to a kernel. */
  readonly isActive: boolean;
}

/** The parsed JSON of three responses of a Jupyter server; undefined for an API that the server does not have. */
export interface JupyterResponses {
  readonly status: unknown;
  readonly kernels: unknown;
  readonly terminals: unknown;
}

/** Maximum number of kernels and terminals that are read from a response. */
const maxItems = 1_000;

/**
 * Returns the activity; undefined if the status has no time. The user controls the responses, so every value may be missing or
 * invalid: such a value is ignored.
 *
 * The number of kernels is not activity, because kernels remain for days. `last_activity` of a terminal changes when the
 * terminal receives or prints text. Jupyter has reported a negative number of connections.
 */
export function readActivity({ status, kernels, terminals }: JupyterResponses, now: number): Activity | undefined {
  const { started, last_activity, connections } = asObject(status) ?? {};
  const times = [started, last_activity, ...itemsOf(terminals).map((each) => each['last_activity'])].flatMap(timeOf);
  if (times.length === 0) return undefined;
  const isBusy = itemsOf(kernels).some((each) => each['execution_state'] === 'busy');
  const isConnected = typeof connections === 'number' && connections > 0;
  return { lastAt: Math.min(now, Math.max(...times)), isActive: isBusy || isConnected };
}

const itemsOf = (value: unknown) => (Array.isArray(value) ? value.slice(0, maxItems).filter(isObject) : []);

const timeOf = (value: unknown): number[] => {
  const time = typeof value === 'string' && value.length < 50 ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? [] : [time];
};
