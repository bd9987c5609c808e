// Stands for git-clone: creates the folder, prints a line, and ends with the exit code CLONE_EXIT.
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';

const folder = process.env.GIT_CLONE_MOUNT_PATH;
mkdirSync(folder, { recursive: true });
appendFileSync(`${folder}/clones`, 'x');
readFileSync(process.env.SSL_CERT_FILE);
console.log(`cloned into ${folder}`);
process.exit(Number(process.env.CLONE_EXIT ?? 0));
