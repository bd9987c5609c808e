import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';

/**
 * Returns the context of all TLS connections, with the certificate authorities in `file`: the public ones and those of the
 * platform. It is created once, because the bundle has more than a hundred certificates. Without a file, Node's own authorities
 * are used.
 */
export function trustedContext(file: string | undefined): SecureContext {
  return createSecureContext(file === undefined ? {} : { ca: readFileSync(file) });
}

const untrusted = /^(UNABLE_TO_|CERT_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT|INVALID_CA|HOSTNAME_MISMATCH)/;

/** Returns whether an error of a connection means that the certificate of the server is not trusted. */
export const isCertificateError = (code: string): boolean => untrusted.test(code);
