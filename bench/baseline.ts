/**
 * The baseline of the read benchmarks: a bare Express route behind the same validator that returns the same bytes. Takes the
 * route without the prefix, as in the document (`/servers/{server_name}`), reads the bytes from standard input and prints
 * its address.
 */
import { text } from 'node:stream/consumers';
import express from 'express';
import { contract } from '../src/pipeline/contract.ts';
import { loadDocument } from '../src/pipeline/document.ts';
import { createOperationTable } from '../src/pipeline/operations.ts';

const [route = '/servers'] = process.argv.slice(2);
const bytes = Buffer.from(await text(process.stdin));
const prefix = '/notebooks';
const document = loadDocument(prefix);
const find = createOperationTable(document);

const app = express();
app.disable('x-powered-by');
app.set('etag', false);
app.use(prefix, (req, res, next) => {
  res.locals['operation'] = find(req.path)?.operations.get(req.method);
  next();
});
app.use(prefix, ...contract(document, { validateResponses: false }));
app.get(prefix + route.replaceAll(/\{(\w+)\}/g, ':$1'), (_req, res) => {
  res.type('application/json').send(bytes);
});
const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address) process.stdout.write(`http://127.0.0.1:${address.port}\n`);
});
