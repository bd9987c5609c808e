/**
 * The baseline of the read benchmarks: a bare Express route behind express-openapi-validator, as its documentation shows, that returns
 * the same bytes. Takes the route without the prefix, as in the document (`/servers/{server_name}`), reads the bytes from standard
 * input and prints its address.
 */
import { text } from 'node:stream/consumers';
import express from 'express';
import * as OpenApiValidator from 'express-openapi-validator';
import { loadDocument } from '../src/pipeline/document.ts';

const [route = '/servers'] = process.argv.slice(2);
const bytes = Buffer.from(await text(process.stdin));
const prefix = '/notebooks';
const document = loadDocument(prefix);
// The validator would handle the servers of a path as a method.
const paths = Object.fromEntries(Object.entries(document.paths).filter(([, item]) => !item.servers));

const app = express();
app.disable('x-powered-by');
app.set('etag', false);
app.use(
  OpenApiValidator.middleware({
    // The validator changes its document.
    apiSpec: JSON.parse(JSON.stringify({ ...document, paths, servers: [{ url: prefix }] })),
    validateApiSpec: false,
    validateRequests: true,
    validateSecurity: false,
  }),
);
app.get(prefix + route.replaceAll(/\{(\w+)\}/g, ':$1'), (_req, res) => {
  res.type('application/json').send(bytes);
});
const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address) process.stdout.write(`http://127.0.0.1:${address.port}\n`);
});
