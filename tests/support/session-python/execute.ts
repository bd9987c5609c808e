/** `node execute.ts URL TOKEN PATH CODE` runs a cell in the kernel of a document, and prints the output of the cell. */
import { Jupyter } from '../jupyter.ts';
import { sessionsOf } from './supervisor.ts';

const [url = '', token = '', path = '', code = ''] = process.argv.slice(2);
const jupyter = new Jupyter(url, { Authorization: `token ${token}` });
const session = (await sessionsOf(jupyter)).find((each) => each.path === path);
if (!session) throw new Error(`no session of ${path}`);
process.stdout.write(await jupyter.execute(session.kernel.id, code));
