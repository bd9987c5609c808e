import { expect, it } from 'vitest';
import { createRedaction, RcloneFailure, toRemoteError } from './failure.ts';

it.each([
  ["couldn't list files: 401 Unauthorized: 401 Unauthorized", 'unauthorized'],
  ['ssh: handshake failed: ssh: unable to authenticate, attempted methods [none password]', 'unauthorized'],
  ['api error InvalidAccessKeyId: The Access Key Id you provided does not exist in our records.', 'unauthorized'],
  ['error in ListJSON: directory not found', 'not-found'],
  ['api error NoSuchBucket: The specified bucket does not exist', 'not-found'],
  ['Forbidden: 403 Forbidden', 'forbidden'],
  ['507 Insufficient Storage', 'quota'],
  ['write /x: no space left on device', 'quota'],
  ['tls: failed to verify certificate: x509: certificate signed by unknown authority', 'rejected'],
  ["couldn't parse host_keys: host_keys entry 1 (ssh-ed25519): not a valid SSH public key", 'rejected'],
  ['dial tcp: connection refused', 'unavailable'],
  ['503 Service Unavailable', 'unavailable'],
  ["can't copy - source file is being updated (size changed from 1 to 2)", 'changed'],
])('reports the error %s as %s', (message, reason) => {
  const error = toRemoteError(new RcloneFailure(message, 500), (text) => text);
  expect(error).toMatchObject({ reason, message: expect.stringContaining(message.replace(/\.$/, '')) });
});

it('says what the owner can do', () => {
  const messageOf = (text: string) => toRemoteError(new RcloneFailure(text), (each) => each).message;
  expect(messageOf('401 Unauthorized')).toBe(
    'The remote rejects the credentials: 401 Unauthorized. Enter the user and the password again. Some servers, for example Nextcloud with two factors, require an app password.',
  );
  expect(messageOf('503')).toMatch(/^The remote is unavailable: 503\. It is tried again\./);
});

it('leaves credentials out of the message, in each form', () => {
  const redact = createRedaction(['p w/+', 'ab']);
  const basic = Buffer.from('p w/+').toString('base64');
  const text = `Get "https://ada:p w/+@example.org": p w/+ p%20w%2F%2B ${basic} ab`;
  expect(redact(text)).not.toMatch(/p w|p%20w/);
  expect(redact(text)).not.toContain(basic);
  expect(toRemoteError(new RcloneFailure(text), redact).message).not.toContain('p w/+');
});
