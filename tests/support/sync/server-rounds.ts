import { startTransport } from '../rclone/remotes.ts';
import { openTwoSides } from './two-sides.ts';

/**
 * Runs rounds with a server until it is killed, and writes a line before each call of the remote and after each round. Arguments: the
 * folder of both sides, and the remote with its credentials as JSON.
 */

const [, , top = '', json = ''] = process.argv;
const { remote, credentials } = JSON.parse(json);
const sides = openTwoSides(top);
const transport = await startTransport();
const say = (line: string) => void process.stdout.write(`${line}\n`);
for (;;) {
  try {
    await sides.round({
      confirmedDeletions: 1000,
      open: () => transport.open(remote, credentials),
      wrap: (opened) => ({
        ...opened,
        find: (...args) => {
          say('find');
          return opened.find(...args);
        },
        download: (...args) => {
          say('download');
          return opened.download(...args);
        },
        upload: (...args) => {
          say('upload');
          return opened.upload(...args);
        },
        move: (...args) => {
          say('move');
          return opened.move(...args);
        },
        remove: (...args) => {
          say('remove');
          return opened.remove(...args);
        },
      }),
    });
    say('round');
  } catch (error) {
    say(`failed ${String(error)}`);
  }
}
