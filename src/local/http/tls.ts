import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { readKept, writePrivate } from '../state-files.ts';

export interface TlsMaterial {
  /** PEM. */
  key: string;
  /** PEM. Self-signed, so a client has to trust the certificate itself. */
  cert: string;
}

const day = 24 * 60 * 60 * 1000;
const lifetimeMs = 365 * day;
/** A platform may run for weeks without a restart. */
const renewBeforeMs = 60 * day;

/**
 * Returns key and certificate of the embedded Kubernetes API, for 127.0.0.1, ::1 and localhost. They are kept in `directory`
 * (0600), and replaced if they are missing or damaged, or expire within two months.
 */
export async function ensureTls(directory: string, now: Date = new Date()): Promise<TlsMaterial> {
  const file = join(directory, 'server.pem');
  const kept = readMaterial(file, now);
  if (kept) return kept;

  const { private: key, cert } = await generate([{ name: 'commonName', value: 'notebook-sessions' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    // The certificate is valid even if the clock is set back a little.
    notBeforeDate: new Date(now.getTime() - day),
    notAfterDate: new Date(now.getTime() + lifetimeMs),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
          { type: 2, value: 'localhost' },
        ],
      },
    ],
  });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // One file, so that a crash cannot leave a key with the certificate of another key.
  writePrivate(file, `${key.trim()}\n${cert.trim()}\n`);
  return { key, cert };
}

function readMaterial(file: string, now: Date): TlsMaterial | undefined {
  const text = readKept(file) ?? '';
  const key = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]+-----END [A-Z ]*PRIVATE KEY-----/.exec(text)?.[0];
  const cert = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(text)?.[0];
  if (!key || !cert || !usable(key, cert, now)) return undefined;
  return { key: `${key}\n`, cert: `${cert}\n` };
}

function usable(key: string, cert: string, now: Date): boolean {
  try {
    const certificate = new X509Certificate(cert);
    return (
      certificate.checkPrivateKey(createPrivateKey(key)) &&
      certificate.validFromDate <= now &&
      certificate.validToDate.getTime() - now.getTime() > renewBeforeMs &&
      certificate.checkIP('127.0.0.1') !== undefined &&
      certificate.checkIP('::1') !== undefined &&
      certificate.checkHost('localhost') !== undefined
    );
  } catch (error) {
    // Damaged PEM is replaced.
    if (error instanceof Error) return false;
    throw error;
  }
}
