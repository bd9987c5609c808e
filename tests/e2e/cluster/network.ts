import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  dnsAddress,
  exampleRegistry,
  machineAddress,
  nodeAddress,
  podRange,
  registryHost,
  serviceRange,
} from './addresses.ts';
import { run } from './run.ts';

const bridge = 'cluster0';

/** Returns the name of a node's network namespace and of its link on this machine. */
export const networkOf = (node: number): string => `node${node}`;

/**
 * Creates a bridge, and a network namespace for each node that is connected to it. Pods and Services are reachable from this
 * machine, too. All of this ends with the network namespace of the caller.
 */
export async function createNetwork(nodes: readonly number[]): Promise<void> {
  // In this mount namespace only: the names of the nodes' namespaces must not stay on the machine.
  await run('mkdir', ['-p', '/run/netns']);
  await run('mount', ['-t', 'tmpfs', 'none', '/run/netns']);
  await ip('link set lo up');
  await ip(`link add ${bridge} type bridge`);
  await ip(`addr add ${machineAddress}/24 dev ${bridge}`);
  await ip(`link set ${bridge} up`);
  for (const node of nodes) {
    const space = networkOf(node);
    const inside = (command: string) => ip(`-n ${space} ${command}`);
    await ip(`netns add ${space}`);
    await ip(`link add ${space} type veth peer name eth0 netns ${space}`);
    await ip(`link set ${space} master ${bridge} up`);
    await inside(`addr add ${nodeAddress(node)}/24 dev eth0`);
    await inside('link set lo up');
    await inside('link set eth0 up');
    await run('nsenter', [`--net=/run/netns/${space}`, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward']);
    // kube-proxy changes the destination of these packets, but only packets with a route get that far.
    await inside(`route add ${serviceRange} dev eth0`);
    await ip(`route add ${podRange(node)} via ${nodeAddress(node)}`);
    for (const other of nodes) {
      if (other !== node) await inside(`route add ${podRange(other)} via ${nodeAddress(other)}`);
    }
  }
  await ip(`route add ${serviceRange} via ${nodeAddress(nodes[0] ?? 1)}`);
}

/**
 * Makes the names of the cluster's DNS known in this mount namespace, so that curl and Chromium use the same URLs as pods.
 * @param folder for the files that replace /etc/hosts and /etc/resolv.conf.
 */
export async function useClusterNames(folder: string): Promise<void> {
  const replace = async (target: string, content: string) => {
    const file = join(folder, target.replaceAll('/', '-'));
    writeFileSync(file, content);
    await run('mount', ['--bind', file, target]);
  };
  // The registry is needed before DNS runs.
  const registry = `${machineAddress} ${registryHost} ${exampleRegistry}`;
  await replace('/etc/hosts', `127.0.0.1 localhost\n::1 localhost\n${registry} host.test\n`);
  await replace('/etc/resolv.conf', `nameserver ${dnsAddress}\n`);
}

/** Cuts a node off from the network, or connects it again. */
export async function setLink(node: number, state: 'up' | 'down'): Promise<void> {
  await ip(`link set ${networkOf(node)} ${state}`);
}

async function ip(command: string): Promise<void> {
  await run('ip', command.split(' '));
}
