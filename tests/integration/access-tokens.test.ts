import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { AccessTokenResponse } from '../../src/generated/openapi.ts';
import { otherUser } from '../support/other-os-user.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { launchBody, type SessionResponse, waitForState } from '../support/session.ts';

/** A program that uses the API of a Jupyter server with an access token: without a cookie and without a sign-in. */
let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ args: ['--no-demo'] });
});
afterAll(() => platform?.dispose());

async function createToken(name: string): Promise<AccessTokenResponse> {
  const response = await platform.api(`/notebooks/servers/${name}/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ label: 'a program' }),
  });
  expect(response.status).toBe(201);
  return (await response.json()) as AccessTokenResponse;
}

it('a program runs code in a session with a token, until the token is deleted', async () => {
  const launched = await platform.api('/notebooks/servers', launchBody('main'));
  const { name } = (await launched.json()) as SessionResponse;
  await waitForState(platform, name, ['running']);
  const { id, token, url } = await createToken(name);
  const base = new URL(url).origin + new URL(url).pathname;
  const authorization = `token ${token}`;

  // The program runs as another operating-system user if the tests run as root: only the token gives access.
  const asOther = process.getuid?.() === 0 ? otherUser : {};
  const status = execFileSync('curl', ['-sS', '-H', '@-', `${base}api/status`], {
    input: `Authorization: ${authorization}`,
    encoding: 'utf8',
    ...asOther,
  });
  expect(JSON.parse(status)).toMatchObject({ kernels: 0 });
  const posted = await fetch(`${base}api/kernels`, { method: 'POST', headers: { authorization }, body: '{}' });
  expect(posted.status).toBe(201);
  const kernel = ((await posted.json()) as { id: string }).id;

  const socket = new WebSocket(`${base.replace('http', 'ws')}api/kernels/${kernel}/channels?token=${token}`);
  await once(socket, 'open');
  const printed = new Promise<string>((resolve) => {
    let text = '';
    socket.on('message', (data) => {
      const { header, content } = JSON.parse(String(data)) as {
        header: { msg_type: string };
        content: { text?: string };
      };
      // The kernel may send the end of the line separately.
      if (header.msg_type === 'stream') text += content.text ?? '';
      if (text.endsWith('\n')) resolve(text);
    });
  });
  const header = { msg_id: 'm', username: '', session: 's', msg_type: 'execute_request', version: '5.3' };
  const content = { code: 'print(6 * 7)', silent: false };
  socket.send(JSON.stringify({ header, parent_header: {}, metadata: {}, content, channel: 'shell', buffers: [] }));
  expect(await printed).toBe('42\n');

  // The token gives access to the session only: not to the API, and not to other tokens.
  const api = await fetch(`${platform.origin}/notebooks/servers`, { headers: { authorization: `Bearer ${token}` } });
  expect(api.status).toBe(401);

  const closed = once(socket, 'close');
  expect((await platform.api(`/notebooks/servers/${name}/tokens/${id}`, { method: 'DELETE' })).status).toBe(204);
  await closed;
  expect((await fetch(`${base}api/status`, { headers: { authorization } })).status).toBe(401);
});
