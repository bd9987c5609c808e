import { describe, expect, it } from 'vitest';
import { rewriteBatch } from './lfs-batch.ts';

const rewrite = (objects: unknown, sent: string | undefined = 'Basic ours') =>
  JSON.parse(
    rewriteBatch(JSON.stringify({ transfer: 'basic', objects }), {
      sent,
      received: 'Basic key',
      isProxied: (href) => href.startsWith('https://git.example.org/'),
      wrap: (authorization) => `wrapped ${authorization}`,
    }),
  ).objects;
const action = (href: string, header: object) => [{ oid: 'a', actions: { download: { href, header } } }];

describe('the response of an LFS server', () => {
  it('has the key in place of the credentials that the proxy has added', () => {
    expect(rewrite(action('https://git.example.org/x', { Authorization: 'Basic ours', A: 'b' }))).toEqual(
      action('https://git.example.org/x', { Authorization: 'Basic key', A: 'b' }),
    );
  });

  it('keeps credentials of the server for the transfer, behind the key', () => {
    expect(rewrite(action('https://git.example.org/x', { authorization: 'Bearer lfs' }))).toEqual(
      action('https://git.example.org/x', { authorization: 'wrapped Bearer lfs' }),
    );
  });

  it('does not send the credentials of the session to another host', () => {
    expect(rewrite(action('https://store.example/x', { Authorization: 'Basic ours', A: 'b' }))).toEqual(
      action('https://store.example/x', { A: 'b' }),
    );
    expect(rewrite(action('https://store.example/x', { Authorization: 'Bearer store' }))).toEqual(
      action('https://store.example/x', { Authorization: 'Bearer store' }),
    );
  });

  it.each([[[]], [[null]], [[{ error: { code: 404 } }]], [[{ actions: null }]], [[{ actions: { upload: 1 } }]]])(
    'without such headers stays: %j',
    (objects) => {
      expect(rewrite(objects)).toEqual(objects);
    },
  );

  it('that is not a batch contains no credentials of the session', () => {
    const options = { sent: 'Basic ours', received: 'Basic key', isProxied: () => true, wrap: String };
    expect(rewriteBatch('{"message":"Basic ours"', options)).toBe('{"message":"Basic key"');
  });
});
