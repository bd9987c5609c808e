// A server with Jupyter's status page. FAULT is the name of an error to simulate.
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const option = (name) => process.argv.find((argument) => argument.startsWith(`--ServerApp.${name}=`)).split('=')[1];
const { FAULT: fault, SERVER_APP_TOKEN: token } = process.env;

if (fault === 'crash') {
  console.error('the configuration is broken: default_url');
  process.exit(1);
}
if (fault === 'crash-once' && !existsSync('crashed')) {
  writeFileSync('crashed', '');
  console.error('first life');
  process.exit(3);
}
if (fault === 'deaf') process.on('SIGTERM', () => undefined);
if (fault === 'stray') spawn('setsid', ['sleep', '1000'], { stdio: 'ignore', detached: true }).unref();

process.on('SIGUSR1', () => process.exit(6));
const server = createServer((request, response) => {
  if (fault === 'mute' || (fault === 'hangs' && existsSync('hang'))) return;
  const allowed = fault === 'open' || request.headers.authorization === `token ${token}`;
  response
    .writeHead(allowed ? 200 : 403)
    .end(JSON.stringify({ environment: allowed ? process.env : undefined, cwd: process.cwd(), argv: process.argv }));
});
server.listen(Number(option('port')), option('ip'), () => console.log('listening'));
