/** Sends as many requests as possible, in a process of its own. Arguments: address, id of the anonymous user, connections, seconds. */
import { load } from './load.ts';

const [url = '', id = '', connections, seconds] = process.argv.slice(2);
await load(url, {
  headers: { 'renku-auth-anon-id': id },
  connections: Number(connections),
  seconds: Number(seconds),
});
