import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ErrorResponse } from '../../src/generated/openapi.ts';
import { blocksOf as allBlocks, type Ran, runBlocks } from '../support/document-commands.ts';
import { type Platform, startPlatform } from '../support/platform.ts';

/**
 * The commands in "Use it" of the README work exactly as they are written: all `sh` blocks run in one shell, in their
 * order; only the port and the state folder are those of this test.
 */
const section = /^## Use it$(.*?)^## /ms.exec(readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8'))?.[1];
const blocksOf = (language: string): string[] =>
  allBlocks(section ?? '').flatMap((each) => (each.language === language ? [each.text] : []));

let platform: Platform;
let ran: Ran[];
beforeAll(async () => {
  platform = await startPlatform({ args: ['--no-demo'] });
  ran = runAll(blocksOf('sh'));
}, 300_000);
afterAll(() => platform?.dispose());

function runAll(blocks: readonly string[]): Ran[] {
  const here = (block: string): string =>
    block
      .replaceAll('127.0.0.1:8000', `127.0.0.1:${platform.port}`)
      .replaceAll('localhost:8000', `localhost:${platform.port}`)
      .replaceAll('~/.local/state/notebook-sessions', platform.stateDir);
  const env = { ...process.env, TMPDIR: platform.stateDir };
  const { ran: results, stderr } = runBlocks(blocks.map(here), { env, timeoutMs: 200_000 });
  expect(stderr).toBe('');
  return results;
}

/** Returns the only block that contains the text. */
function block(text: string): Ran {
  const blocks = blocksOf('sh');
  const [index, ...others] = blocks.flatMap((each, at) => (each.includes(text) ? [at] : []));
  const found = index === undefined ? undefined : ran[index];
  if (!found || others.length > 0)
    throw new Error(`${blocks.length} blocks, of which not exactly one contains ${text}`);
  return found;
}

it('every block succeeds and prints no error except the documented one', () => {
  expect(ran.map(({ exitCode }) => exitCode)).toEqual(ran.map(() => 0));
  const errors = ran.flatMap(({ output }) => output.match(/"error":\s*\{.*/g) ?? []);
  expect(errors).toHaveLength(1);
  expect(errors[0]).toContain('mian');
});

it('the commands show sessions, projects, options and a dry run, and launch a session', () => {
  const { output: first } = block('server_options');
  expect(first).toContain('{"servers":{}}');
  expect(first).toContain('"path":"demo/first-light"');
  expect(first).toContain('"options":["/lab"]');
  expect(block('dry_run').output).toMatch(/"dryRun":true,"exists":false,"possible":true.*"problems":\[\]/);

  const { output } = block('is waiting');
  expect(output).toContain('"state":"running"');
  expect(output).toMatch(
    new RegExp(`^"url":"http://localhost:${platform.port}/sessions/[a-z0-9]+-first-light-\\w+"$`, 'm'),
  );
});

it('the documented error is the real one', () => {
  const [shown, ...others] = blocksOf('json');
  expect(others).toEqual([]);
  const { error } = JSON.parse(shown ?? '') as ErrorResponse;
  const { requestId } = error;
  const real = JSON.parse(block('mian').output) as ErrorResponse;
  expect({ ...real.error, requestId }).toEqual(error);
  expect(real.error.requestId).toMatch(/^[0-9a-f-]{36}$/);
});

it('logs are printed at once and followed until the session is deleted', () => {
  expect(block('follow=true').output).toMatch(/^\{"git-clone":".*,"jupyter-server":"/m);
  const { output } = block('-X DELETE $url');
  expect(output).toContain('event: end\ndata: {"reason":"deleted"');
  const following = ran.map((each) => each.output).join('');
  expect(following).toContain('data: {"container":"jupyter-server"');
});

it('the events of a session are followed until the session is deleted', () => {
  const output = ran.map((each) => each.output).join('');
  expect(output).toMatch(/^event: session\nid: \S+\ndata: \{.*"state":"running"/m);
  expect(output.match(/^event: end$/gm)).toHaveLength(2);
});

it('a program can use the session with a token', () => {
  const { output } = block('VS Code');
  expect(output).toMatch(/^"url":"http:\/\/localhost:\d+\/sessions\/[^/]+\/\?token=nbs_[\w-]+$/m);
  expect(output).toMatch(/"kernels": \d+/);
  expect(output).toMatch(/\{"tokens":\[\{"id":"[0-9a-f]+","label":"VS Code"/);
});

it('a token gives access to git, and to the API at the paths of a platform', () => {
  expect(block('FORGE_TOKEN').output).toMatch(/^\{"servers":\{.*\}\}$/m);
});

it('autosaves are listed, and another browser can sign in', () => {
  expect(block('/autosave').output).toContain('"autosaves":[]');
  expect(block('/auth/links').output).toMatch(/http:\/\/127\.0\.0\.1:\d+\/auth\/sign-in\?code=/);
});
