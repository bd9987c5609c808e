import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface ReceivedResponse {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
  /** The requested URL. */
  url: string;
}

interface JarCookie {
  host: string;
  path: string;
  name: string;
  value: string;
}

export interface Visit {
  method?: string;
  headers?: Record<string, string>;
  form?: Record<string, string>;
  /** The origin of the page that the request comes from; absent: the address bar. */
  from?: string;
  /** True for the request of a script, false for the navigation of a person. */
  script?: boolean;
  /** Closes the connection when the body has this text; for a stream, which does not end. */
  until?: string;
}

/** The parts of a browser that these tests need: cookies by host and path, and the headers that browsers add. */
export class TestBrowser {
  readonly jar: JarCookie[] = [];

  /** Sends one request and follows no redirects. Every host name is this machine. */
  visit(to: string, options: Visit = {}): Promise<ReceivedResponse> {
    const url = new URL(to);
    const { method = options.form ? 'POST' : 'GET', form, from, script } = options;
    const cookies = this.jar.filter((cookie) => cookie.host === url.hostname && url.pathname.startsWith(cookie.path));
    const body = form ? new URLSearchParams(form).toString() : undefined;
    const headers: Record<string, string> = {
      Host: url.host,
      Accept: script ? '*/*' : 'text/html,*/*',
      'Sec-Fetch-Site': siteOf(from, url),
      'Sec-Fetch-Mode': script ? 'cors' : 'navigate',
      'Sec-Fetch-Dest': script ? 'empty' : 'document',
      ...(from !== undefined && (method !== 'GET' || (script && from !== url.origin)) ? { Origin: from } : {}),
      ...(cookies.length > 0 ? { Cookie: cookies.map(({ name, value }) => `${name}=${value}`).join('; ') } : {}),
      ...(body === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
      ...options.headers,
    };
    return new Promise((resolve, reject) => {
      const target = to.slice(url.origin.length) || '/';
      const req = request({ host: '127.0.0.1', port: url.port, method, path: target, headers, agent: false }, (res) => {
        for (const line of res.headers['set-cookie'] ?? []) this.#keep(line, url.hostname);
        const response = { status: res.statusCode ?? 0, headers: res.headers, url: to };
        const content = options.until === undefined ? text(res) : textUntil(res, options.until);
        content.then((body) => resolve({ ...response, body }), reject);
      });
      req.on('error', reject);
      req.end(body);
    });
  }

  /** Follows redirects, as a browser does. */
  async go(to: string, options: Visit = {}): Promise<ReceivedResponse> {
    let response = await this.visit(to, options);
    for (let hops = 0; hops < 10 && response.headers.location !== undefined; hops += 1) {
      response = await this.visit(new URL(response.headers.location, response.url).href, {
        from: options.from ?? new URL(to).origin,
      });
    }
    return response;
  }

  cookie(name: RegExp): JarCookie | undefined {
    return this.jar.find((cookie) => name.test(cookie.name));
  }

  #keep(line: string, host: string): void {
    const [pair = '', ...attributes] = line.split('; ');
    const [name = '', value = ''] = pair.split(/=(.*)/s);
    const path = attributes.find((attribute) => attribute.startsWith('Path='))?.slice(5) ?? '/';
    const old = this.jar.findIndex((cookie) => cookie.host === host && cookie.name === name && cookie.path === path);
    if (old >= 0) this.jar.splice(old, 1);
    if (!attributes.includes('Max-Age=0')) this.jar.push({ host, path, name, value });
  }
}

/** Returns the text of a stream up to a part, and closes the connection. */
async function textUntil(res: IncomingMessage, part: string): Promise<string> {
  let content = '';
  for await (const chunk of res.setEncoding('utf8')) {
    content += String(chunk);
    if (content.includes(part)) break;
  }
  return content;
}

function siteOf(from: string | undefined, to: URL): string {
  if (from === undefined) return 'none';
  if (from === to.origin) return 'same-origin';
  return new URL(from).hostname === to.hostname ? 'same-site' : 'cross-site';
}
