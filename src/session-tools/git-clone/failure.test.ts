import { describe, expect, it } from 'vitest';
import { decisiveLine, failureKindOf, failureOf, serverMessage } from './failure.ts';

describe("git's output", () => {
  it.each([
    ['disk-full', 'fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output'],
    ['disk-full', "fatal: sha1 file '/w/.git/index.lock' write error. Out of diskspace"],
    ['disk-full', 'error: unable to write file data/large.csv'],
    ['disk-full', 'fatal: cannot create directory at x: Disk quota exceeded'],
    [
      'certificate',
      "fatal: unable to access 'https://g/': server certificate verification failed. CAfile: none CRLfile: none",
    ],
    [
      'certificate',
      "fatal: unable to access 'https://g/': SSL certificate problem: unable to get local issuer certificate",
    ],
    ['unavailable', "fatal: unable to access 'https://g/': Could not resolve host: g"],
    [
      'unavailable',
      "fatal: unable to access 'http://g/': Failed to connect to g port 80 after 0 ms: Couldn't connect to server",
    ],
    ['unavailable', "fatal: unable to access 'http://g/': The requested URL returned error: 503"],
    [
      'unavailable',
      "fatal: unable to access 'http://g/': Operation too slow. Less than 1 bytes/sec transferred the last 60 seconds",
    ],
    ['unavailable', 'error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502'],
    [
      'broken-transfer',
      'error: RPC failed; curl 18 transfer closed with outstanding read data remaining\nfatal: early EOF',
    ],
    ['broken-transfer', 'fatal: the remote end hung up unexpectedly'],
    [
      'broken-transfer',
      'fatal: pack has bad object at offset 12: inflate returned -3\nfatal: fetch-pack: invalid index-pack output',
    ],
    [
      'damaged',
      'remote: fatal: could not fetch d3d171221e87a30e059d638f155f899595d96b71 from promisor remote\nremote: aborting due to possible repository corruption on the remote side.\nfatal: early EOF\nerror: RPC failed; curl 18 transfer closed',
    ],
    ['damaged', 'remote: fatal: unable to read 5e304fed87c3d8212b7c21b5929f84258fae0ff4\nfatal: early EOF'],
    ['no-such-object', 'fatal: remote error: upload-pack: not our ref 7d1dcf93\nerror: RPC failed; curl 18'],
    ['no-such-object', 'error: Server does not allow request for unadvertised object 7d1dcf93'],
    ['not-found', "fatal: unable to access 'https://g/': The requested URL returned error: 410"],
    ['protocol', 'fatal: https://g/a/b.git/info/refs not valid: is this a git repository?'],
    ['protocol', 'fatal: unable to update url base from redirection:\n  asked for: https://g/'],
    ['protocol', 'fatal: protocol error: bad line length character: <htm'],
    [
      'unavailable',
      "fatal: unable to access 'https://g/': gnutls_handshake() failed: The TLS connection was non-properly terminated.",
    ],
    ['refused', "remote: HTTP Basic: Access denied\nfatal: Authentication failed for 'https://g/a/b.git/'"],
    ['refused', "fatal: could not read Username for 'https://g': terminal prompts disabled"],
    ['refused', "fatal: unable to access 'https://g/a/b.git/': The requested URL returned error: 403"],
    [
      'not-found',
      "remote: The project you were looking for could not be found.\nfatal: repository 'https://g/a/b.git/' not found",
    ],
    ['other', 'fatal: bad object HEAD'],
    ['other', ''],
  ])('means %s: %s', (kind, stderr) => {
    expect(failureKindOf(stderr)).toBe(kind);
  });

  it('is reduced to its most informative line', () => {
    expect(decisiveLine('Cloning into x...\rReceiving: 10%\rReceiving: 20%\nfatal: early EOF\nmore\n')).toBe(
      'early EOF',
    );
    expect(decisiveLine('something went wrong\n')).toBe('something went wrong');
    expect(decisiveLine('')).toBe('git gave no reason');
  });

  it("contains the server's message, without progress and markup, and with a limited length", () => {
    const blocked =
      'remote: Enumerating objects: 3, done.\nremote: ======\nremote: <b>ERROR</b>: Your account has been\u001b[31m blocked.\nremote: \nfatal: unable to access';
    expect(serverMessage(blocked)).toBe('ERROR : Your account has been [31m blocked.');
    expect(serverMessage('remote: Total 3 (delta 0)\nfatal: x')).toBeUndefined();
    expect(serverMessage(`remote: ${'x'.repeat(1000)}`)).toHaveLength(300);
    const terms =
      "remote: You must accept the Terms of Service.\nfatal: unable to access 'http://g/': The requested URL returned error: 403";
    expect(failureOf(terms, 'g', true).message).toBe(
      'The git server g denies access to the repository, with the message: "You must accept the Terms of Service.". Follow the message, then launch the session again; an administrator of the git server can help.',
    );
    const maintenance =
      "remote: GitLab is in maintenance until 12:00\nfatal: unable to access 'http://g/': The requested URL returned error: 503";
    expect(failureOf(maintenance, 'g', true).message).toContain(
      'the server\'s message: "GitLab is in maintenance until 12:00"',
    );
  });

  it('becomes an exit code of the contract and a message with the remedy', () => {
    expect(failureOf("fatal: unable to access 'https://g/': Could not resolve host: g", 'g', true)).toMatchObject({
      exitCode: 201,
      message:
        "The git server g is not available (unable to access 'https://g/': Could not resolve host: g). Launch the session again when it is back.",
    });
    expect(failureOf('fatal: early EOF', 'g', true)).toMatchObject({
      exitCode: 201,
      message: expect.stringMatching(
        /^The git server g interrupted the transfer \(early EOF\)\. Launch the session again/,
      ),
    });
    expect(failureOf('remote: fatal: bad object HEAD\nfatal: early EOF', 'g', true)).toMatchObject({
      exitCode: 200,
      message: expect.stringMatching(/is missing objects .*\(bad object HEAD\).*"git fsck" lists/),
    });
    expect(failureOf('error: unable to write file a', 'g', true).exitCode).toBe(203);
    expect(failureOf('SSL certificate problem: x', 'g', true)).toMatchObject({
      exitCode: 200,
      message: expect.stringMatching(/not trusted/),
    });
  });
});
