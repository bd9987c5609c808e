/** Runs one save: the test ends this program, or its git, at each step. Arguments: work tree, remote repository, folder with git. */
import { save } from '../../../src/session-tools/saves/save.ts';
import { removeStaleScratches } from '../../../src/session-tools/saves/scratch.ts';
import { agentGit, saveTools, settingsFor } from './work-tree.ts';

const [tree = '', url = '', path = ''] = process.argv.slice(2);
const settings = settingsFor(tree, url);
await removeStaleScratches(settings.folder);
const { result } = await save(saveTools(agentGit({ GIT_ALLOW_PROTOCOL: 'file', PATH: path })), settings);
process.stdout.write(JSON.stringify(result));
