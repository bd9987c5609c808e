import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runClone } from '../../../tests/support/git-clone/run-clone.ts';
import { useSecretProject } from '../../../tests/support/git-clone/secret-project.ts';
import { commitFiles, makeRepository, runGit } from '../../../tests/support/local/forge/served-forge.ts';

const project = useSecretProject();

describe('the result of a failed clone', () => {
  const expectNothing = () => expect(existsSync(project.directory)).toBe(false);

  it('is 204 for a branch or commit that does not exist', async () => {
    for (const [more, sentence] of [
      [{ branch: 'gone' }, /The branch "gone" does not exist in the repository/],
      [{ branch: 'with/slashes' }, /The branch "with\/slashes" does not exist/],
      [{ commitSha: 'f'.repeat(40) }, /The commit f+ does not exist in the repository/],
      [{ commitSha: 'f'.repeat(64) }, /The commit f+ does not exist in the repository/],
    ] as const) {
      const { exitCode, lastLine } = await runClone(project.variables(more));
      expect(lastLine).toMatch(sentence);
      expect(exitCode).toBe(204);
      expectNothing();
    }
  });

  it('is 200 for a rejected token, and for a repository that does not exist', async () => {
    const refused = await runClone(project.variables({ oauthToken: 'wrong' }));
    expect(refused.exitCode).toBe(200);
    expect(refused.lastLine).toMatch(/rejects the session's access token .* Sign in again/);
    const { oauthToken, ...anonymous } = project.variables();
    expect((await runClone(anonymous)).lastLine).toMatch(/is not public .* Sign in/);
    const missing = await runClone(project.variables({ repositoryUrl: `${project.served.url}/team/nothing.git` }));
    expect(missing.exitCode).toBe(200);
    expect(missing.lastLine).toMatch(/does not exist on the git server .* or you do not have access/);
    expectNothing();
  });

  it('is 201 if the git server stays unavailable: down, silent or broken', async () => {
    const silent = createServer(() => undefined);
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = (port: number) => {
      const gitUrl = `http://127.0.0.1:${port}`;
      return { gitUrl, repositoryUrl: `${gitUrl}/team/secret.git`, timeoutSeconds: '1' };
    };
    const down = await runClone(project.variables(address(1)));
    const unanswered = await runClone(project.variables(address((silent.address() as AddressInfo).port)));
    silent.closeAllConnections();
    silent.close();
    project.served.intercept = (_request, response) => Boolean(response.writeHead(503).end());
    const broken = await runClone(project.variables({ timeoutSeconds: '1' }));
    for (const { exitCode, lastLine } of [down, unanswered, broken]) {
      expect(lastLine).toMatch(/The git server 127\.0\.0\.1:\d+ was not available for 1 s .*Launch the session again/);
      expect(exitCode).toBe(201);
    }
    expectNothing();
  });

  it("contains the git server's message, and never the token", async () => {
    const answers: [number, string, RegExp][] = [
      [
        403,
        'You must accept the Terms of Service.',
        /with the message: "You must accept the Terms of Service\."\. Follow the message/,
      ],
      [451, 'Not available in your country.', /the server's message: "Not available in your country\."/],
      [
        401,
        `HTTP Basic: Access denied for ${project.token}`,
        /rejects the session's access token .*Access denied for \[token\]/,
      ],
      [
        503,
        'GitLab is in maintenance.',
        /was not available for 5 s .*the server's message: "GitLab is in maintenance\."/,
      ],
    ];
    for (const [status, text, sentence] of answers) {
      project.served.intercept = (_request, response) => {
        response.writeHead(status, { 'content-type': 'text/plain', 'www-authenticate': 'Basic realm="x"' }).end(text);
        return true;
      };
      const { output, lastLine } = await runClone(project.variables({ timeoutSeconds: status === 503 ? '5' : '20' }));
      expect(lastLine).toMatch(sentence);
      expect(output).not.toContain(project.token);
    }
    expectNothing();
  });

  it('is returned immediately if objects are missing in the repository, and after three interrupted transfers', async () => {
    const damaged = await makeRepository(join(project.served.scratch, 'damaged'), { 'a.txt': 'one\n' });
    const url = await project.createProject('damaged');
    await runGit(damaged, 'push', '--quiet', url, 'main');
    const blob = await runGit(damaged, 'rev-parse', 'HEAD:a.txt');
    rmSync(join(project.gitDirs.get('damaged') ?? '', 'objects', blob.slice(0, 2), blob.slice(2)));
    const more = {
      repositoryUrl: `${project.served.url}/team/damaged.git`,
      commitSha: await runGit(damaged, 'rev-parse', 'HEAD'),
      timeoutSeconds: '60',
    };
    const missing = await runClone(project.variables(more));
    expect(missing.lastLine).toMatch(
      /is missing objects that its branches need \(unable to read [0-9a-f]+\).*git fsck/,
    );
    expect(missing.exitCode).toBe(200);
    expect(missing.output).not.toMatch(/trying again/);

    project.served.intercept = (request, response) => {
      if (!request.url?.endsWith('/git-upload-pack')) return false;
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result', 'content-length': '99' });
      response.write('000d packfile', () => response.destroy());
      return true;
    };
    const broken = await runClone(project.variables({ timeoutSeconds: '60' }));
    expect(broken.lastLine).toMatch(/interrupted the transfer/);
    expect(broken.exitCode).toBe(201);
    expect(broken.output.match(/trying again/g)).toHaveLength(2);
    expectNothing();
  });

  it('is a success if the server is available again in time', async () => {
    let refused = 0;
    project.served.intercept = (request, response) => {
      if (request.method !== 'POST' || refused++ > 1) return false;
      response.writeHead(502).end();
      return true;
    };
    const { exitCode, output } = await runClone(project.variables());
    expect(output).toMatch(/is not available .*; trying again/);
    expect(exitCode).toBe(0);
    expect(await runGit(project.directory, 'status', '--porcelain')).toBe('');
  });

  it('is 200 for invalid settings, with the name of each', async () => {
    const { exitCode, lastLine } = await runClone({
      repositoryUrl: 'ssh://git@host/x.git',
      branch: '--upload-pack=x',
      mountPath: 'here',
    });
    expect(exitCode).toBe(200);
    expect(lastLine).toMatch(
      /GIT_CLONE_REPOSITORY_URL is not an http\(s\) URL.*GIT_CLONE_BRANCH is not a branch name.*GIT_CLONE_COMMIT_SHA is not set.*GIT_CLONE_MOUNT_PATH is not an absolute path/,
    );
  });

  const ownTmpfs = [
    'unshare',
    '--user',
    '--map-root-user',
    '--mount',
    'sh',
    '-c',
    'mount -t tmpfs -o size=3m tmpfs "$0" && exec "$@"',
  ];
  const canMount = (() => {
    try {
      execFileSync(ownTmpfs[0] ?? '', [...ownTmpfs.slice(1), '/mnt', 'true'], { stdio: 'ignore' });
      return true;
    } catch {
      return false; // no user namespaces here
    }
  })();
  it.skipIf(!canMount)('is 203 if the disk is full, during the fetch and during the checkout', async () => {
    await runGit(project.tree, 'checkout', '--quiet', '-b', 'large');
    const compressible = await commitFiles(project.tree, { 'large.txt': 'x'.repeat(8_000_000) }, 'large');
    const url = await project.createProject('large');
    await runGit(project.tree, 'push', '--quiet', url, 'large:main');
    const large = project.variables({ repositoryUrl: `${project.served.url}/team/large.git`, commitSha: compressible });
    const checkout = await runClone(large, {}, [...ownTmpfs, project.workspace]);
    expect(checkout.lastLine).toMatch(/There is no space left on the disk of the session/);
    expect(checkout.exitCode).toBe(203);
    writeFileSync(join(project.tree, 'noise.bin'), randomBytes(5_000_000));
    const incompressible = await commitFiles(project.tree, {}, 'noise');
    await runGit(project.tree, 'push', '--quiet', url, 'large:main');
    const fetch = await runClone({ ...large, commitSha: incompressible }, {}, [...ownTmpfs, project.workspace]);
    expect(fetch.exitCode, fetch.output).toBe(203);
  });
});
