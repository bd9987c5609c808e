import { existsSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { makeDirectory, writePrivateFile } from '../../machine/private-files.ts';
import type { Mount } from '../volumes/mounts.ts';

const machineBundles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'];

/**
 * Links this machine's certificate authorities to the file that the pod's variables name: `ca-certificates.crt` in the volume
 * that the init container fills in a cluster.
 */
export async function provideCertificates(mounts: readonly Mount[]): Promise<void> {
  const target = mounts.find(({ path }) => path === '/etc/ssl/certs');
  if (!target) return;
  const file = join(target.source, 'ca-certificates.crt');
  if (existsSync(file)) return;
  await makeDirectory(target.source);
  const found = [process.env['SSL_CERT_FILE'], ...machineBundles].find((bundle) => bundle && existsSync(bundle));
  if (found) await symlink(found, file);
  else await writePrivateFile(file, rootCertificates.join('\n'));
}
