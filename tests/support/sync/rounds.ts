import { openTwoSides } from './two-sides.ts';

/** Runs rounds until it is killed. Arguments: the folder of both sides. */

const [, , top = ''] = process.argv;
const sides = openTwoSides(top);
process.stdout.write('rounds\n');
for (;;) await sides.round({ confirmedDeletions: 1000 });
