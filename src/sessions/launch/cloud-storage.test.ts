import { describe, expect, it } from 'vitest';
import { testConfig } from '../../../tests/support/sessions/config.ts';
import type { Config } from '../../config/types.ts';
import { ApiError } from '../../errors.ts';
import { isSharedAccessSignature } from '../manifest/cloud-storage.ts';
import { type CloudStorageEntry, requestedCloudStorage } from './cloud-storage.ts';

const offering = (s3: boolean, azure: boolean): Config => ({
  ...testConfig(),
  cloud_storage: {
    s3: { enabled: s3, read_only: true },
    azure_blob: { enabled: azure, read_only: true },
    mount_folder: '/cloudstorage',
  },
});

const s3 = 'https://s3.example.org';
const azure = 'https://account1.blob.core.windows.net';

function refused(entries: CloudStorageEntry[], config = offering(true, true)): string[] {
  const paths: string[] = [];
  requestedCloudStorage(entries, config, (path) => {
    paths.push(path);
  });
  return paths;
}

describe('requested cloud storage', () => {
  it('is Azure storage if only a secret key is given, otherwise S3', () => {
    const kinds = requestedCloudStorage(
      [
        { endpoint: s3, bucket: 'public-one', access_key: '', secret_key: null },
        { endpoint: 'http://minio:9000/', bucket: 'private.one', access_key: 'a', secret_key: 'b' },
        { endpoint: azure, bucket: 'container', secret_key: 'key' },
      ],
      offering(true, true),
      (path, message) => {
        throw new Error(`${path} ${message}`);
      },
    ).map(({ kind, isPrivate }) => [kind, isPrivate]);
    expect(kinds).toEqual([
      ['s3', false],
      ['s3', true],
      ['azure-blob', true],
    ]);
  });

  it.each<[string, CloudStorageEntry[], string[]]>([
    ['a bucket twice', [1, 2].map(() => ({ endpoint: s3, bucket: 'same' })), ['cloudstorage']],
    ['another scheme', [{ endpoint: 'ftp://s3.example.org', bucket: 'one' }], ['cloudstorage.0.endpoint']],
    ['credentials in it', [{ endpoint: 'https://u:p@s3.example.org', bucket: 'one' }], ['cloudstorage.0.endpoint']],
    ['a path', [{ endpoint: 'https://s3.example.org/x', bucket: 'one' }], ['cloudstorage.0.endpoint']],
    ['a line break', [{ endpoint: 'https://s3.example.org\nx', bucket: 'one' }], ['cloudstorage.0.endpoint']],
    ['no name of a bucket', [{ endpoint: s3, bucket: '../../etc' }], ['cloudstorage.0.bucket']],
    ['half of the keys', [{ endpoint: s3, bucket: 'one', access_key: 'a' }], ['cloudstorage.0']],
  ])('with %s is rejected', (_what, entries, paths) => {
    expect(refused(entries)).toEqual(paths);
  });

  it('is rejected if the platform offers no cloud storage, or not this kind', () => {
    expect(refused([{ endpoint: s3, bucket: 'one' }], offering(false, false))).toEqual(['cloudstorage']);
    expect(refused([{ endpoint: s3, bucket: 'one' }], offering(false, true))).toEqual(['cloudstorage.0']);
    expect(refused([{ endpoint: azure, bucket: 'one', secret_key: 'k' }], offering(true, false))).toEqual([
      'cloudstorage.0',
    ]);
    expect(refused([], offering(false, false))).toEqual([]);
  });

  it('of Azure must have an Azure address', () => {
    const entry = { endpoint: 'https://blob.core.windows.net.example.org', bucket: 'one', secret_key: 'k' };
    expect(() => refused([entry])).toThrow(ApiError);
    try {
      refused([entry]);
    } catch (error) {
      expect(error).toMatchObject({
        kind: { code: 1003, status: 422 },
        fields: [{ path: 'body.cloudstorage.0.endpoint' }],
      });
    }
  });

  it.each([
    ['?sv=2021&sig=abc', true],
    ['sv=2021&sig=abc', true],
    ['sig=abc', false],
    ['bm90IGEgc2lnbmF0dXJl==', false],
  ])('decides whether the key %s is a shared access signature: %s', (key, is) => {
    expect(isSharedAccessSignature(key)).toBe(is);
  });
});
