import { randomUUID } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import WebSocket from 'ws';
import type { SessionEndpoint } from '../../src/local/cluster.ts';
import { preparePython } from '../../src/local/python/prepare.ts';
import type { PythonEnvironment } from '../../src/local/python/types.ts';
import type { TestMachine } from './local/kubelet/machine.ts';
import { basePath, namespace } from './local/kubelet/templates.ts';
import { waitFor } from './wait-for.ts';

/** Returns the environment of the default image, after creating it if it does not exist. */
export async function defaultEnvironment(): Promise<PythonEnvironment> {
  const cacheHome = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return await preparePython({
    cacheDir: join(cacheHome, 'notebook-sessions'),
    progress: (line) => void process.stderr.write(`  ${line}\n`),
    signal: AbortSignal.timeout(540_000),
  });
}

/** A Jupyter server, called with the credentials in `headers`. */
export class Jupyter {
  readonly url: string;
  readonly #headers: Record<string, string>;

  constructor(url: string, headers: Record<string, string>) {
    this.url = url;
    this.#headers = headers;
  }

  /** Returns the server of a session, called at the address of its pod with its token. */
  static at({ address, port, token }: SessionEndpoint, name: string): Jupyter {
    return new Jupyter(`http://${address}:${port}${basePath(name)}`, { Authorization: `token ${token}` });
  }

  static of(machine: TestMachine, name: string): Jupyter {
    const endpoint = machine.kubelet.endpoint(namespace, `${name}-0`);
    if (!endpoint) throw new Error(`the session ${name} has no endpoint`);
    return Jupyter.at(endpoint, name);
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return await fetch(`${this.url}${path}`, { ...init, headers: { ...this.#headers, ...init.headers } });
  }

  async post<T>(path: string, body: object = {}): Promise<T> {
    const headers = { 'Content-Type': 'application/json' };
    const response = await this.fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  async startKernel(): Promise<string> {
    return (await this.post<{ id: string }>('/api/kernels', { name: 'python3' })).id;
  }

  /**
   * Runs a cell. Returns the printed output, and the text of displayed objects and of the last value.
   * @param until the output that is expected, if it may arrive after the end of the cell.
   * @param probe before the cell, waits until a state of the kernel arrives. Without it, servers that are older than
   * jupyter_server 2 may lose the output if the kernel has just started.
   */
  async execute(
    kernel: string,
    code: string,
    { until, probe }: { until?: RegExp; probe?: boolean } = {},
  ): Promise<string> {
    const { output, reply } = await this.request(
      kernel,
      'shell',
      'execute_request',
      executeContent(code),
      until,
      probe,
    );
    if (reply['status'] !== 'ok') throw new Error(`${String(reply['evalue'])}\n${output}`);
    return output;
  }

  /** Starts to run a cell. Resolves when the kernel is busy with the cell, and the connection is closed. */
  async start(kernel: string, code: string): Promise<void> {
    const socket = this.#open(`/api/kernels/${kernel}/channels`);
    const id = randomUUID();
    const busy = new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('open', () => socket.send(messageTo('shell', 'execute_request', id, executeContent(code))));
      socket.on('message', (data) => {
        const { parent_header: parent, content } = JSON.parse(String(data)) as KernelMessage;
        if (parent?.msg_id === id && content['execution_state'] === 'busy') resolve();
      });
    });
    await waitFor(busy, 'a kernel that is busy', { limitMs: replyMs }).finally(() => socket.close());
  }

  /**
   * Sends one request to a kernel. Returns the content of its reply, and the output until the kernel was idle, or until the
   * output of a request without an error matches `until`.
   */
  async request(
    kernel: string,
    channel: 'shell' | 'control',
    type: string,
    content: object,
    until?: RegExp,
    probe = false,
  ): Promise<{ reply: Record<string, unknown>; output: string }> {
    const socket = this.#open(`/api/kernels/${kernel}/channels`);
    const id = randomUUID();
    let output = '';
    let reply: Record<string, unknown> | undefined;
    let idle = false;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const limit = setTimeout(() => reject(new Error(`the kernel did not reply in time; so far: ${output}`)), replyMs);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`the connection to the kernel has ended; so far: ${output}`)));
    const probes = new Set<string | undefined>();
    let nextProbe: NodeJS.Timeout | undefined;
    const send = () => {
      clearTimeout(nextProbe);
      probes.clear();
      socket.send(messageTo(channel, type, id, content));
    };
    const sendProbe = () => {
      const probeId = randomUUID();
      probes.add(probeId);
      socket.send(messageTo('shell', 'kernel_info_request', probeId, {}));
      nextProbe = setTimeout(sendProbe, probeEveryMs);
    };
    socket.on('open', probe ? sendProbe : send);
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as KernelMessage;
      if (message.msg_type === 'status' && probes.has(message.parent_header?.msg_id)) send();
      if (message.parent_header?.msg_id !== id) return;
      output += textOf(message);
      if (message.msg_type === type.replace('request', 'reply')) reply = message.content;
      if (message.msg_type === 'status') idle = message.content['execution_state'] === 'idle';
      const isComplete = until === undefined || reply?.['status'] !== 'ok' || until.test(output);
      if (idle && reply && isComplete) resolve();
    });
    try {
      await promise;
    } finally {
      clearTimeout(limit);
      clearTimeout(nextProbe);
      socket.close();
    }
    return { reply: reply ?? {}, output };
  }

  /**
   * Opens a connection to a kernel, as an open notebook has, and waits until the kernel has answered on it. A new connection to a kernel
   * that is busy may lose the output of its first request: jupyter_server does not wait there until the connection is subscribed.
   */
  async connect(kernel: string): Promise<KernelConnection> {
    const connection = new KernelConnection(this.#open(`/api/kernels/${kernel}/channels`));
    await connection.ready();
    return connection;
  }

  /** Types a line into a new terminal and returns the output. */
  async inTerminal(line: string): Promise<string> {
    const { name } = await this.post<{ name: string }>('/api/terminals');
    const socket = this.#open(`/terminals/websocket/${name}`);
    let shown = '';
    try {
      const output = new Promise<string>((resolve, reject) => {
        socket.on('error', reject);
        socket.on('message', (data) => {
          const [type, text] = JSON.parse(String(data)) as [string, string];
          // The echo of this line has the quotes, its output does not.
          if (type === 'setup') socket.send(JSON.stringify(['stdin', `echo "be""gin"; ${line}; echo "en""d"\r`]));
          if (type === 'disconnect') reject(new Error(`the terminal has ended: ${shown}`));
          if (type === 'stdout') shown += text;
          const found = /begin\r\n([\s\S]*?)end\r\n/.exec(shown);
          if (found) resolve((found[1] ?? '').replaceAll('\r\n', '\n'));
        });
      });
      return await waitFor(output, `the output of ${line}`, { limitMs: terminalMs, seen: () => shown });
    } finally {
      socket.close();
      await this.fetch(`/api/terminals/${name}`, { method: 'DELETE' });
    }
  }

  /** Types a line into a new terminal. */
  async type(line: string): Promise<void> {
    const { name } = await this.post<{ name: string }>('/api/terminals');
    const socket = this.#open(`/terminals/websocket/${name}`);
    const sent = new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      // The first message of a terminal means that its shell is ready.
      socket.once('message', () => {
        socket.send(JSON.stringify(['stdin', `${line}\r`]), (error) => (error ? reject(error) : resolve()));
      });
    });
    await waitFor(sent, 'the shell of a new terminal', { limitMs: replyMs });
  }

  #open(path: string): WebSocket {
    const { origin } = new URL(this.url);
    return new WebSocket(`${this.url.replace(/^http/, 'ws')}${path}`, { headers: { ...this.#headers, origin } });
  }
}

/** An open connection to a kernel, for several requests. */
export class KernelConnection {
  readonly #socket: WebSocket;
  readonly #listeners = new Set<(message: KernelMessage) => void>();
  readonly #failed = Promise.withResolvers<never>();
  /** What all cells have printed since the connection was opened. */
  printed = '';

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.#failed.promise.catch(() => undefined);
    socket.on('error', this.#failed.reject);
    socket.on('close', () => this.#failed.reject(new Error('the connection to the kernel has ended')));
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as KernelMessage;
      this.printed += textOf(message);
      for (const listener of this.#listeners) listener(message);
    });
  }

  /** Waits until a state of the kernel arrives, for which it asks repeatedly. */
  async ready(): Promise<void> {
    const ask = () => {
      if (this.#socket.readyState === WebSocket.OPEN)
        this.#socket.send(messageTo('shell', 'kernel_info_request', randomUUID(), {}));
    };
    this.#socket.on('open', ask);
    const timer = setInterval(ask, probeEveryMs);
    await this.#until(({ msg_type: type }) => type === 'status', 'a state of the kernel').finally(() =>
      clearInterval(timer),
    );
  }

  /** Runs a cell, and returns the printed output when the kernel is idle again. */
  async run(code: string): Promise<string> {
    const id = randomUUID();
    let output = '';
    let reply: Record<string, unknown> | undefined;
    let idle = false;
    const ended = this.#until((message) => {
      if (message.parent_header?.msg_id !== id) return false;
      output += textOf(message);
      if (message.msg_type === 'execute_reply') reply = message.content;
      if (message.msg_type === 'status') idle = message.content['execution_state'] === 'idle';
      return idle && reply !== undefined;
    }, `the end of ${code}`);
    this.#socket.send(messageTo('shell', 'execute_request', id, executeContent(code)));
    await ended;
    if (reply?.['status'] !== 'ok') throw new Error(`${String(reply?.['evalue'])}\n${output}`);
    return output;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  async #until(isIt: (message: KernelMessage) => boolean, what: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const listener = (message: KernelMessage) => {
      if (isIt(message)) resolve();
    };
    this.#listeners.add(listener);
    try {
      await waitFor(Promise.race([promise, this.#failed.promise]), what, { limitMs: replyMs });
    } finally {
      this.#listeners.delete(listener);
    }
  }
}

const replyMs = 120_000;
const probeEveryMs = 1_000;
/** Less than the time limit of a test, so that its failure says what the test waited for. */
const terminalMs = 220_000;

/** The Jupyter messaging protocol, version 5.3. */
interface KernelMessage {
  msg_type: string;
  parent_header?: { msg_id?: string };
  content: Record<string, unknown>;
}

function messageTo(channel: 'shell' | 'control', type: string, id: string, content: object): string {
  const date = new Date().toISOString();
  const header = { msg_id: id, msg_type: type, username: '', session: id, version: '5.3', date };
  return JSON.stringify({ header, content, parent_header: {}, metadata: {}, channel, buffers: [] });
}

function executeContent(code: string): object {
  return { code, silent: false, store_history: false, user_expressions: {}, allow_stdin: false };
}

function textOf({ msg_type: type, content }: KernelMessage): string {
  if (type === 'stream') return String(content['text']);
  if (type !== 'execute_result' && type !== 'display_data') return '';
  return (content['data'] as Record<string, string>)['text/plain'] ?? '';
}
