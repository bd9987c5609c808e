import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createOutboundHttp } from '../../src/platform/outbound-http/outbound-http.ts';
import type { OutboundHttp } from '../../src/platform/outbound-http/types.ts';

/** Returns the service's HTTP client for tests with servers on loopback: each host counts as configured. */
export function loopbackHttp(): OutboundHttp {
  const clients = new Map<string, OutboundHttp>();
  return {
    request(url, options) {
      const { host } = new URL(url);
      const client = clients.get(host) ?? createOutboundHttp({ allowedNetworks: [], exemptHosts: [host] });
      clients.set(host, client);
      return client.request(url, options);
    },
    async close() {
      for (const client of clients.values()) await client.close();
    },
  };
}

/** Makes this process trust a certificate authority (PEM), until the returned function is called. */
export function trustAuthority(certificate: string): () => void {
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, certificate]);
  return () => setDefaultCACertificates(before);
}
