import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';

/** A package for a test. */
export interface TestPackage {
  name: string;
  version: string;
  requires?: string[];
  /** The content of files by their path in the wheel; `<name>/__init__.py` is added if it is missing. */
  files?: Record<string, string>;
  /** The platform tag; `py3-none-win_amd64` is a wheel that this machine cannot use. */
  tag?: string;
  /** A source archive instead of a wheel. */
  isSource?: boolean;
}

export interface PackageIndex extends AsyncDisposable {
  /** For UV_DEFAULT_INDEX. */
  readonly url: string;
  /** The requested paths, in order. */
  readonly requestedPaths: string[];
  /** Returns an error status to send, or a promise that delays the response. By default the index responds immediately. */
  instead: (path: string, request: IncomingMessage) => number | Promise<void> | undefined;
  /** SHA-256 of a package's file. */
  hashOf(name: string): string;
}

/** Starts a package index (PEP 503) on loopback with tiny wheels of the given packages. */
export async function startPackageIndex(packages: readonly TestPackage[]): Promise<PackageIndex> {
  const files = new Map(
    packages.map((each) => [fileName(each), each.isSource ? Buffer.from('no archive') : wheel(each)]),
  );
  const names = Map.groupBy(packages, ({ name }) => name);
  const requestedPaths: string[] = [];
  const index: Pick<PackageIndex, 'instead'> = { instead: () => undefined };
  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    requestedPaths.push(path);
    const instead = index.instead(path, request);
    if (typeof instead === 'number') return void response.writeHead(instead).end();
    await instead;
    const project = /^\/simple\/([^/]+)\/$/.exec(path)?.[1];
    const file = files.get(path.slice('/files/'.length));
    if (project !== undefined && names.has(project)) {
      const links = names.get(project)?.map((each) => {
        const name = fileName(each);
        return `<a href="/files/${name}#sha256=${sha256(files.get(name) as Buffer)}">${name}</a>`;
      });
      response.writeHead(200, { 'content-type': 'text/html' }).end(links?.join('\n'));
    } else if (file && path.startsWith('/files/')) {
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': file.length }).end(file);
    } else {
      response.writeHead(404).end();
    }
  }
  const server = createServer((request, response) => void respond(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(index, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple/`,
    requestedPaths,
    hashOf: (name: string) => sha256(files.get(fileName(names.get(name)?.[0] as TestPackage)) as Buffer),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');

function fileName({ name, version, tag = 'py3-none-any', isSource }: TestPackage): string {
  const base = `${name.replaceAll('-', '_')}-${version}`;
  return isSource ? `${base}.tar.gz` : `${base}-${tag}.whl`;
}

function wheel({ name, version, requires = [], files = {}, tag = 'py3-none-any' }: TestPackage): Buffer {
  const module = name.replaceAll('-', '_');
  const info = `${module}-${version}.dist-info`;
  const content: Record<string, string> = {
    [`${module}/__init__.py`]: `__version__ = "${version}"\n`,
    ...files,
    [`${info}/METADATA`]: [
      'Metadata-Version: 2.1',
      `Name: ${name}`,
      `Version: ${version}`,
      ...requires.map((each) => `Requires-Dist: ${each}`),
      '',
    ].join('\n'),
    [`${info}/WHEEL`]: `Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: ${tag}\n`,
  };
  const record = Object.keys(content).map((path) => `${path},,`);
  content[`${info}/RECORD`] = `${[...record, `${info}/RECORD,,`].join('\n')}\n`;
  return zip(content);
}

/** Returns a zip archive of the files, without compression. */
function zip(files: Record<string, string>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, text] of Object.entries(files)) {
    const name = Buffer.from(path);
    const content = Buffer.from(text);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, name, content]);
    const central = Buffer.alloc(14);
    central.writeUInt32LE(0o100644 * 0x10000, 6);
    central.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03'), common, central, name]));
    parts.push(local);
    offset += local.length;
  }
  const end = Buffer.alloc(18);
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  end.writeUInt16LE(directory.length, 4);
  end.writeUInt16LE(directory.length, 6);
  end.writeUInt32LE(size, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, ...directory, Buffer.from('PK\x05\x06'), end]);
}
