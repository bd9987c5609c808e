import { describe, expect, it } from 'vitest';
import { decisiveLine, failureOf, troubleOf } from './failure.ts';

describe('what git reports', () => {
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
    [
      'unavailable',
      'error: RPC failed; curl 18 transfer closed with outstanding read data remaining\nfatal: early EOF',
    ],
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
  ])('is %s: %s', (trouble, stderr) => {
    expect(troubleOf(stderr)).toBe(trouble);
  });

  it('comes down to one line', () => {
    expect(decisiveLine('Cloning into x...\rReceiving: 10%\rReceiving: 20%\nfatal: early EOF\nmore\n')).toBe(
      'early EOF',
    );
    expect(decisiveLine('something went wrong\n')).toBe('something went wrong');
    expect(decisiveLine('')).toBe('git gave no reason');
  });

  it('becomes an exit code of the contract and a sentence with what to do', () => {
    expect(failureOf('fatal: early EOF', 'git.example.org', true)).toMatchObject({
      exitCode: 201,
      message: 'The git server git.example.org is not available (early EOF). Launch the session again when it is back.',
    });
    expect(failureOf('error: unable to write file a', 'g', true).exitCode).toBe(203);
    expect(failureOf('SSL certificate problem: x', 'g', true)).toMatchObject({
      exitCode: 200,
      message: expect.stringMatching(/not trusted/),
    });
  });
});
