import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { dnsAddress, machineAddress, nodeAddress, nodeName, podRange, registryHost } from './addresses.ts';
import { cgroupOf, createCgroup } from './cgroups.ts';
import { networkOf } from './network.ts';
import type { Processes } from './processes.ts';

/** Debian's package containernetworking-plugins. */
const debianPlugins = '/usr/lib/cni';

export interface NodeOptions {
  readonly number: number;
  /** Folder for the files of this node. The paths of sockets in it must be short. */
  readonly folder: string;
  readonly programs: string;
  /** PEM file of the authority that signs the certificates of the registry and of the API server's client. */
  readonly authority: string;
  /** The process that removes the cgroup of the node after the run. */
  readonly owner: number;
  /** Contents of kubeconfig files for the programs of the node. */
  readonly kubeconfigs: { readonly kubelet: string; readonly kubeProxy: string; readonly networkPolicies: string };
}

/**
 * Starts containerd, kubelet, kube-proxy and the agent for network policies in the network namespace of the node, in mount
 * and pid namespaces of their own.
 */
export function startNode(options: NodeOptions, processes: Processes): void {
  const { number, folder, programs } = options;
  writeFiles(options);
  createCgroup(cgroupOf(options.owner, number));
  processes.start(nodeName(number), 'nsenter', [
    `--net=/run/netns/${networkOf(number)}`,
    ...['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'],
    ...[join(import.meta.dirname, 'node-processes'), programs, folder, nodeName(number), nodeAddress(number)],
  ]);
}

function writeFiles(options: NodeOptions): void {
  const { number, folder, programs, kubeconfigs } = options;
  const path = (name: string) => join(folder, name);
  const write = (name: string, content: string) => writeFileSync(path(name), content, { mode: 0o600 });
  for (const name of ['log', 'cni', 'cni-bin', 'registries/_default'])
    mkdirSync(path(name), { recursive: true, mode: 0o700 });
  for (const plugin of readdirSync(debianPlugins)) symlinkSync(join(debianPlugins, plugin), path(`cni-bin/${plugin}`));
  symlinkSync(join(programs, 'networkpolicies'), path('cni-bin/networkpolicies'));

  write('kubelet.kubeconfig', kubeconfigs.kubelet);
  write('kube-proxy.kubeconfig', kubeconfigs.kubeProxy);
  write('network-policies.kubeconfig', kubeconfigs.networkPolicies);
  // Pods with the DNS policy Default read this file, too.
  writeFileSync(path('resolv.conf'), `nameserver ${dnsAddress}\n`);
  writeFileSync(path('hosts'), `127.0.0.1 localhost\n${machineAddress} ${registryHost} host.test\n`);
  write('containerd.toml', containerdConfig(folder));
  write('registries/_default/hosts.toml', registryConfig(options.authority));
  write('cni/10-pods.conflist', JSON.stringify(networkConfig(number, path)));
  write('kubelet.yaml', stringify(kubeletConfig(options, path)));
  write('kube-proxy.yaml', stringify(kubeProxyConfig(number, path)));
}

function containerdConfig(folder: string): string {
  // restrict_oom_score_adj: in a container, this process may not lower the score of others.
  return `version = 2
root = "${folder}/containerd"
state = "${folder}/state"
[grpc]
  address = "${folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${registryHost}/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${folder}/registries"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${folder}/cni-bin"
    conf_dir = "${folder}/cni"
`;
}

/** All images come from the registry of the test cluster: its repositories have the paths that the images have elsewhere. */
function registryConfig(authority: string): string {
  return `server = "https://${registryHost}"
ca = "${authority}"
[host."https://${registryHost}"]
  capabilities = ["pull", "resolve"]
  ca = "${authority}"
`;
}

function networkConfig(number: number, path: (name: string) => string): object {
  const ipam = {
    type: 'host-local',
    dataDir: path('state/ipam'),
    ranges: [[{ subnet: podRange(number) }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  return {
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [
      { type: 'ptp', ipam },
      { type: 'portmap', capabilities: { portMappings: true } },
      { type: 'networkpolicies', socket: path('network-policies.sock') },
    ],
  };
}

function kubeletConfig({ number, authority, owner }: NodeOptions, path: (name: string) => string): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: nodeAddress(number),
    healthzPort: 0,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: authority },
    },
    authorization: { mode: 'Webhook' },
    containerRuntimeEndpoint: `unix://${path('containerd.sock')}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroupOf(owner, number)}`,
    failCgroupV1: false,
    failSwapOn: false,
    makeIPTablesUtilChains: false,
    resolvConf: path('resolv.conf'),
    clusterDNS: [dnsAddress],
    clusterDomain: 'cluster.local',
    podLogsDir: path('pod-logs'),
    volumePluginDir: path('volume-plugins'),
    nodeStatusUpdateFrequency: '5s',
    serializeImagePulls: false,
    // How soon the kubelet sees that a pod needs too much disk: by default, a minute.
    volumeStatsAggPeriod: '10s',
    // How full the disk of this machine is must not evict a pod or remove an image.
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '0%',
      'imagefs.available': '0%',
      'nodefs.inodesFree': '0%',
      'imagefs.inodesFree': '0%',
    },
  };
}

function kubeProxyConfig(number: number, path: (name: string) => string): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    clusterCIDR: podRange(number),
    hostnameOverride: nodeName(number),
    bindAddress: nodeAddress(number),
    clientConnection: { kubeconfig: path('kube-proxy.kubeconfig') },
    conntrack: { maxPerCore: 0 },
    nftables: { minSyncPeriod: '100ms' },
  };
}
