import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** Two PEM files. */
export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

interface Subject {
  readonly commonName: string;
  readonly organization?: string;
  /** Names and IPv4 addresses of a server. Without them, the certificate is for a client. */
  readonly hosts?: readonly string[];
}

/** Issues certificates and writes them to a folder as PEM files. */
export interface Authority {
  /** The file with the certificate of the authority. */
  readonly certificate: string;
  /** Returns the files of a new key and its certificate. */
  issue(name: string, subject: Subject): Promise<KeyPair>;
}

const key = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;

/** Creates a certificate authority of the test's own. */
export async function createAuthority(folder: string, commonName: string): Promise<Authority> {
  const own = await generate([{ name: 'commonName', value: commonName }], {
    ...key,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const write = (name: string, pem: string): string => {
    const file = join(folder, name);
    writeFileSync(file, `${pem.trim()}\n`, { mode: 0o600 });
    return file;
  };
  return {
    certificate: write('authority.crt', own.cert),
    async issue(name, { commonName: subject, organization, hosts = [] }) {
      const attributes = [{ name: 'commonName', value: subject }];
      if (organization !== undefined) attributes.push({ name: 'organizationName', value: organization });
      const isServer = hosts.length > 0;
      const { private: privateKey, cert } = await generate(attributes, {
        ...key,
        ca: { key: own.private, cert: own.cert },
        extensions: [
          { name: 'basicConstraints', cA: false, critical: true },
          { name: 'keyUsage', digitalSignature: true, critical: true },
          isServer ? { name: 'extKeyUsage', serverAuth: true } : { name: 'extKeyUsage', clientAuth: true },
          ...(isServer ? [{ name: 'subjectAltName' as const, altNames: hosts.map(altName) }] : []),
        ],
      });
      return { key: write(`${name}.key`, privateKey), cert: write(`${name}.crt`, cert) };
    },
  };
}

function altName(host: string): { type: 7; ip: string } | { type: 2; value: string } {
  return /^[\d.]+$/.test(host) ? { type: 7, ip: host } : { type: 2, value: host };
}
