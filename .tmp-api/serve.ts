import { createServer } from 'node:https';
import { writeFileSync } from 'node:fs';
import { generate } from 'selfsigned';
import pino from 'pino';
import { openCluster } from '../src/local/api-server/store.ts';
import { createApiServer } from '../src/local/api-server/api-server.ts';
import type { NodeAgent } from '../src/local/cluster.ts';
const out = process.argv[2]!; const path = process.argv[3] ?? ':memory:';
const cluster = openCluster({ path, log: pino() });
const node: NodeAgent = {
  async *logs(pod, o, signal) {
    for (let i = 0; i < 5; i++) yield `line ${i} of ${pod.name} ${JSON.stringify(o)}\n`;
    while (o.follow && !signal.aborted) { await new Promise((f) => { const t = setTimeout(f, 500); signal.addEventListener('abort', () => { clearTimeout(t); f(0); }, { once: true }); }); yield `tick ${new Date().toISOString()}\n`; }
  },
  metrics: () => cluster.list({ group: '', version: 'v1', plural: 'pods' }).map((p) => ({ namespace: p.metadata.namespace!, name: p.metadata.name!, timestamp: new Date().toISOString(), windowSeconds: 30, containers: [{ name: 'x', cpuNanocores: 123456789, memoryBytes: 123456789 }] })),
};
const api = createApiServer({ cluster, token: 'secret-token', log: pino(), node });
const pems = await generate([{ name: 'commonName', value: '127.0.0.1' }], { extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }, { type: 2, value: 'localhost' }] }] } as never);
const server = createServer({ key: pems.private, cert: pems.cert, maxHeaderSize: 32768 }, api.handler);
server.listen(0, '127.0.0.1', () => {
  const port = (server.address() as { port: number }).port;
  writeFileSync(out, `apiVersion: v1
kind: Config
clusters: [{ name: c, cluster: { server: "https://127.0.0.1:${port}", certificate-authority-data: ${Buffer.from(pems.cert).toString('base64')} } }]
users: [{ name: u, user: { token: secret-token } }]
contexts: [{ name: x, context: { cluster: c, user: u, namespace: default } }]
current-context: x
`);
  console.log('ready', port);
});
process.on('SIGTERM', async () => { console.log(JSON.stringify(api.callCount())); await api.close(); server.close(); server.closeAllConnections(); cluster.close(); console.log('closed'); });
