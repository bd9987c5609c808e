import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import express from 'express';
import pino from 'pino';
import { expect, it } from 'vitest';
import { accessLog } from './access-log.ts';

it.each([
  ['/servers?token=secret', '/servers'],
  ['http://user:secret@notebooks.example.org/servers', '(not a path)'],
  ['*', '*'],
])('the access log has no credentials of the request line %j', async (target, path) => {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const server = express()
    .use(accessLog(log, () => undefined))
    .use((_req, res) => void res.status(400).end())
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.end(`GET ${target} HTTP/1.1\r\nHost: notebooks.example.org\r\nConnection: close\r\n\r\n`);
  await text(socket);
  await expect.poll(() => lines.map((line) => JSON.parse(line).path)).toEqual([path]);
  expect(lines.join()).not.toContain('secret');
  server.close();
});
