/**
 * Returns the bytes of a request of Java 17's HTTP client (java.net.http) over plain HTTP: it offers HTTP/2 with every
 * request.
 */
export function javaRequest(
  method: string,
  target: string,
  body = '',
  { host = '127.0.0.1:8000', headers = {} }: { host?: string; headers?: Record<string, string> } = {},
): string {
  const lines = [
    `${method} ${target} HTTP/1.1`,
    'Connection: Upgrade, HTTP2-Settings',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `Host: ${host}`,
    'HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA',
    'Upgrade: h2c',
    'User-Agent: Java-http-client/17.0.15',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
