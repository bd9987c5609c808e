import { isIPv6 } from 'node:net';
import { Agent, request } from 'undici';
import type { Deadline } from '../../lib/deadline.ts';
import { type Activity, readActivity } from './activity.ts';

/** The Jupyter server in a session's pod. */
export interface JupyterAddress {
  /** IP address of the pod. */
  readonly ip: string;
  readonly port: number;
  /** Path of the session, without a trailing slash. */
  readonly prefix: string;
  /** Empty if Jupyter requires no token, because users sign in at a proxy. */
  readonly token: string;
}

/** The activity of a session is unknown, and the message says why. */
export class ActivityUnknown extends Error {
  override readonly name = 'ActivityUnknown';
}

const limitBytes = 256 * 1024;

/**
 * Returns the activity of a Jupyter server, with three concurrent requests to the address of its pod. Redirects are not followed, and each response
 * may have 256 KiB. Throws ActivityUnknown.
 *
 * The requests do not go through the session's public URL or its proxy: the operator may not be able to reach the public host,
 * and oauth2-proxy lets requests without a sign-in through to `/api/status` only. So NetworkPolicies must allow the operator,
 * and nothing else, to connect to Jupyter's port.
 */
export async function jupyterActivity(
  address: JupyterAddress,
  deadline: Deadline,
  now: () => number,
): Promise<Activity> {
  const dispatcher = new Agent({ connections: 3 });
  try {
    const [status, kernels, terminals] = await Promise.all(
      ['status', 'kernels', 'terminals'].map((api) => getJson(address, api, dispatcher, deadline)),
    );
    const activity = readActivity({ status, kernels, terminals }, now());
    if (!activity) throw new ActivityUnknown('Jupyter’s response to /api/status has no time of the last activity.');
    return activity;
  } finally {
    await dispatcher.destroy();
  }
}

/** Returns undefined for 404: a server without terminals, for example. */
async function getJson(
  { ip, port, prefix, token }: JupyterAddress,
  api: string,
  dispatcher: Agent,
  deadline: Deadline,
): Promise<unknown> {
  // Without the parameter, the request itself would be an activity.
  const path = `${prefix}/api/${api}?no_track_activity=1`;
  const host = isIPv6(ip) ? `[${ip}]` : ip;
  let text: string;
  let statusCode: number;
  try {
    const response = await request(`http://${host}:${port}${path}`, {
      dispatcher,
      signal: deadline.signal,
      headers: { accept: 'application/json', ...(token ? { authorization: `token ${token}` } : {}) },
    });
    statusCode = response.statusCode;
    text = await limited(response.body);
  } catch (cause) {
    if (cause instanceof ActivityUnknown) throw cause;
    const why = deadline.expired ? 'did not respond in time' : 'could not be reached';
    throw new ActivityUnknown(`Jupyter at ${host}:${port} ${why}.`, { cause });
  }
  if (statusCode === 404 && api !== 'status') return undefined;
  if (statusCode !== 200) throw new ActivityUnknown(`Jupyter responded to /api/${api} with status ${statusCode}.`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ActivityUnknown(`Jupyter’s response to /api/${api} is not JSON.`, { cause });
  }
}

async function limited(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > limitBytes) throw new ActivityUnknown(`A response of Jupyter has more than ${limitBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
