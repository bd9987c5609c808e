import type { KubeConfig } from '@kubernetes/client-node';

/**
 * The kubeconfig as kubectl finds it: $KUBECONFIG, ~/.kube/config, the pod's service account, http://localhost:8080.
 *
 * client-node has no light entry: its configuration module pulls in every generated model (measured: 400 ms and 85 MB,
 * the package's index 540 ms; 260 ms once Node's compile cache is warm, so programs call `module.enableCompileCache()`
 * first). That is why it is imported here, on demand and once, and nothing else of the package is used at run time:
 * callers start this early and do other work meanwhile.
 */
export async function loadKubeConfig(): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  const kubeconfig = new KubeConfig();
  kubeconfig.loadFromDefault();
  return usable(kubeconfig);
}

/** As `loadKubeConfig`, from text instead of a file. */
export async function parseKubeConfig(text: string): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  const kubeconfig = new KubeConfig();
  kubeconfig.loadFromString(text);
  return usable(kubeconfig);
}

/**
 * Two habits of client-node are undone: it refuses plain http unless TLS checks are off (which say nothing about http),
 * and it ignores a cluster's CA when the context names no user.
 */
function usable(kubeconfig: KubeConfig): KubeConfig {
  const context = kubeconfig.getContextObject(kubeconfig.getCurrentContext());
  const users = kubeconfig.getUsers() ?? [];
  const user = context?.user || 'nobody';
  kubeconfig.loadFromOptions({
    clusters: kubeconfig
      .getClusters()
      .map((cluster) => ({ ...cluster, skipTLSVerify: cluster.skipTLSVerify || cluster.server.startsWith('http://') })),
    contexts: kubeconfig.getContexts().map((each) => (each === context ? { ...each, user } : each)),
    users: users.some(({ name }) => name === user) ? users : [...users, { name: user }],
    currentContext: kubeconfig.getCurrentContext(),
  });
  return kubeconfig;
}
