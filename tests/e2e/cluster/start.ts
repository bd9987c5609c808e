import { randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ControlPlane, startControlPlane } from '../../cluster/control-plane.ts';
import { kubeconfigOf, readKubeconfig } from '../../support/api-server-under-test.ts';
import {
  dnsAddress,
  exampleRegistry,
  ingressAddress,
  machineAddress,
  nodeName,
  registryHost,
  serviceRange,
} from './addresses.ts';
import { type Authority, createAuthority, type KeyPair } from './certificates.ts';
import { createNetwork, useClusterNames } from './network.ts';
import { startNode } from './node.ts';
import { createProcesses, type Processes } from './processes.ts';
import { pushImage, type Registry } from './registry.ts';
import { run } from './run.ts';

const metricsPort = 4443;

/** A Kubernetes cluster with nodes that run pods. Paths are absolute. */
export interface TestCluster {
  readonly controlPlane: ControlPlane;
  /** Folder with kubectl, helm and the programs of the cluster. */
  readonly programs: string;
  /** Folder with the logs and files of the nodes. */
  readonly folder: string;
  readonly registry: Registry;
  /** PEM file of the authority that signs all certificates of the test cluster. */
  readonly authority: string;
  readonly certificates: {
    /** For `*.host.test`: servers on this machine. */
    readonly machine: KeyPair;
    /** For `*.test`: servers behind the ingress. */
    readonly ingress: KeyPair;
  };
}

export interface RunningTestCluster extends TestCluster {
  close(): Promise<void>;
}

/**
 * Starts a control plane, nodes, a registry, DNS, an ingress controller and a provisioner for volumes. Needs the network and
 * mount namespaces that `tests/e2e/main.ts` creates, so that the end of the run removes everything.
 * @param owner the process that removes the cgroups after the run.
 */
export async function startTestCluster(
  programs: string,
  { nodes, owner }: { nodes: number; owner: number },
): Promise<RunningTestCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'cluster-'));
  const processes = createProcesses(folder);
  const started: { controlPlane?: Awaited<ReturnType<typeof startControlPlane>> } = {};
  const close = async () => {
    await processes.close();
    await started.controlPlane?.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const numbers = Array.from({ length: nodes }, (_, index) => index + 1);
    await createNetwork(numbers);
    await useClusterNames(folder);
    const authority = await createAuthority(folder, 'test cluster');
    const users = createUsers(numbers);
    started.controlPlane = await startControlPlane(programs, {
      address: machineAddress,
      serviceRange,
      users: Object.values(users),
      ...(await flags(folder, authority)),
    });
    const { close: _, ...controlPlane } = started.controlPlane;
    const { cluster: entry } = readKubeconfig(controlPlane.kubeconfig);
    const kubeconfigFor = (name: string): string => kubeconfigOf(entry, users[name]?.token ?? '');

    const registry = await startRegistry(programs, folder, authority, processes);
    const scheduler = write(folder, 'scheduler.kubeconfig', kubeconfigFor('scheduler'));
    processes.start('kube-scheduler', join(programs, 'kube-scheduler'), [
      ...['--kubeconfig', scheduler, '--leader-elect=false'],
      ...['--bind-address', '127.0.0.1', '--secure-port', '0'],
    ]);
    processes.start('volumes', join(programs, 'volumes'), [
      ...['--kubeconfig', controlPlane.kubeconfig, '--folder', join(folder, 'volumes')],
    ]);
    processes.start('metrics-server', join(programs, 'metrics-server'), [
      ...['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].flatMap((flag) => [
        `--${flag}`,
        controlPlane.kubeconfig,
      ]),
      ...['--bind-address', machineAddress, '--secure-port', String(metricsPort)],
      ...['--cert-dir', join(folder, 'metrics-server'), '--kubelet-insecure-tls', '--kubelet-use-node-status-port'],
      ...['--kubelet-preferred-address-types', 'InternalIP', '--metric-resolution', '10s'],
      ...['--kubelet-request-timeout', '5s'],
    ]);
    for (const number of numbers) {
      const nodeFolder = join(folder, String(number));
      mkdirSync(nodeFolder, { mode: 0o700 });
      startNode(
        {
          ...{ number, folder: nodeFolder, programs, authority: authority.certificate, owner },
          kubeconfigs: {
            kubelet: kubeconfigFor(nodeName(number)),
            kubeProxy: kubeconfigFor('kube-proxy'),
            networkPolicies: kubeconfigFor('network-policies'),
          },
        },
        processes,
      );
    }
    await pushProgram({ programs, registry, folder }, 'pause:1', 'pause');
    const kubectl = kubectlOf({ programs, controlPlane });
    await kubectl(['apply', '-f', write(folder, 'system.yaml', systemObjects(programs))]);
    await processes.untilReady('volumes', () => succeeds(kubectl(['get', 'storageclass', 'local'])), 10_000);
    for (const number of numbers) {
      const wait = ['wait', '--for=condition=Ready', '--timeout=1s', `node/${nodeName(number)}`];
      await processes.untilReady(nodeName(number), () => succeeds(kubectl(wait)), 60_000);
    }
    for (const [namespace, name] of [
      ['kube-system', 'coredns'],
      ['ingress', 'ingress'],
    ]) {
      const status = ['rollout', 'status', `deployment/${name}`, `--namespace=${namespace}`, '--timeout=1s'];
      await processes.untilReady(nodeName(1), () => succeeds(kubectl(status)), 60_000);
    }
    const certificates = {
      machine: await authority.issue('machine', { commonName: 'host.test', hosts: ['*.host.test'] }),
      ingress: await authority.issue('ingress', { commonName: 'test', hosts: ['notebooks.test', 'sessions.test'] }),
    };
    return { controlPlane, programs, folder, registry, authority: authority.certificate, certificates, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Returns a function that runs kubectl as the administrator of the cluster and returns what it printed. */
export function kubectlOf({ programs, controlPlane }: Pick<TestCluster, 'programs' | 'controlPlane'>) {
  return (args: readonly string[], options: { timeout?: number; input?: string } = {}): Promise<string> =>
    run(join(programs, 'kubectl'), [`--kubeconfig=${controlPlane.kubeconfig}`, ...args], options);
}

type Users = Record<string, { name: string; group: string; token: string }>;

function createUsers(nodes: readonly number[]): Users {
  const user = (name: string, group = '') => ({ name, group, token: randomBytes(24).toString('base64url') });
  return {
    scheduler: user('system:kube-scheduler'),
    'kube-proxy': user('system:kube-proxy'),
    'network-policies': user('test:network-policies'),
    ...Object.fromEntries(
      nodes.map((number) => [nodeName(number), user(`system:node:${nodeName(number)}`, 'system:nodes')]),
    ),
  };
}

/** Returns the flags with which the API server calls kubelets and extension API servers. */
async function flags(folder: string, authority: Authority) {
  const kubelet = await authority.issue('kubelet-client', {
    commonName: 'kube-apiserver',
    organization: 'system:masters',
  });
  const proxy = await authority.issue('front-proxy', { commonName: 'front-proxy' });
  return {
    apiServer: {
      'kubelet-client-certificate': kubelet.cert,
      'kubelet-client-key': kubelet.key,
      'kubelet-preferred-address-types': 'InternalIP',
      'requestheader-client-ca-file': authority.certificate,
      'requestheader-allowed-names': 'front-proxy',
      'requestheader-username-headers': 'X-Remote-User',
      'requestheader-group-headers': 'X-Remote-Group',
      'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
      'proxy-client-cert-file': proxy.cert,
      'proxy-client-key-file': proxy.key,
    },
    controllers: {
      'flex-volume-plugin-dir': join(folder, 'volume-plugins'),
      // A node that is cut off is noticed earlier than after the default of 50 seconds. Kubelets report every 5 seconds.
      'node-monitor-grace-period': '20s',
    },
  };
}

async function startRegistry(
  programs: string,
  folder: string,
  authority: Authority,
  processes: Processes,
): Promise<Registry> {
  const hosts = [registryHost, exampleRegistry, machineAddress];
  const tls = await authority.issue('registry', { commonName: 'registry', hosts });
  const registry = {
    ...{ host: registryHost, user: 'pusher', password: randomBytes(12).toString('hex') },
    ...{ authority: authority.certificate, loginFile: join(folder, 'registry-logins') },
  };
  writeFileSync(registry.loginFile, `${registry.user}:${registry.password}\n`, { mode: 0o600 });
  processes.start('registry', join(programs, 'registry'), [
    ...['--listen', `${machineAddress}:443`, '--folder', join(folder, 'registry')],
    ...['--cert', tls.cert, '--key', tls.key, '--login-file', registry.loginFile],
  ]);
  const isReady = () => succeeds(run('curl', ['-sS', '--cacert', registry.authority, `https://${registry.host}/v2/`]));
  await processes.untilReady('registry', isReady, 10_000);
  return registry;
}

/** Pushes an image with one program of this machine. */
export async function pushProgram(
  { programs, registry, folder }: Pick<TestCluster, 'programs' | 'registry' | 'folder'>,
  name: string,
  program: string,
): Promise<void> {
  const root = mkdtempSync(join(folder, 'image-'));
  // mkdtemp creates the folder for its owner only.
  chmodSync(root, 0o755);
  copyFileSync(join(programs, program), join(root, program));
  chmodSync(root, 0o755);
  await pushImage(registry, { name, root, config: { Entrypoint: [`/${program}`], User: '65535:65535' } });
  rmSync(root, { recursive: true });
}

function systemObjects(programs: string): string {
  const values: Record<string, string> = {
    programs,
    machine_address: machineAddress,
    dns_address: dnsAddress,
    ingress_address: ingressAddress,
    first_node: nodeName(1),
    metrics_port: String(metricsPort),
    pause_image: `${registryHost}/pause:1`,
  };
  const text = readFileSync(join(import.meta.dirname, 'system.yaml'), 'utf8');
  return text.replaceAll(/\$([a-z_]+)/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`system.yaml uses $${name}, which has no value`);
    return value;
  });
}

function write(folder: string, name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content, { mode: 0o600 });
  return file;
}

async function succeeds(action: Promise<unknown>): Promise<boolean> {
  return action.then(
    () => true,
    () => false,
  );
}
