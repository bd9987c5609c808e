import type { KubeConfig } from '@kubernetes/client-node';

/**
 * Reads the kubeconfig from the same places as kubectl: $KUBECONFIG, ~/.kube/config, the pod's service account,
 * http://localhost:8080. `context` replaces the current context; throws if the kubeconfig does not have it.
 *
 * client-node's configuration module is imported on demand, because the module imports all generated models (measured:
 * 400 ms and 85 MB; 260 ms with Node's compile cache, which programs enable with `module.enableCompileCache()`). No other
 * module of client-node is used at run time. Callers start this call early and do other work in the meantime.
 */
export async function loadKubeConfig(context = process.env['KUBE_CONTEXT']): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  const kubeconfig = new KubeConfig();
  kubeconfig.loadFromDefault();
  if (context) {
    const names = kubeconfig.getContexts().map(({ name }) => name);
    if (!names.includes(context)) {
      throw new Error(`the kubeconfig has no context "${context}"; its contexts are: ${names.join(', ') || 'none'}`);
    }
    kubeconfig.setCurrentContext(context);
  }
  return usable(kubeconfig);
}

/** Reads a kubeconfig from its content. */
export async function parseKubeConfig(text: string): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  const kubeconfig = new KubeConfig();
  kubeconfig.loadFromString(text);
  return usable(kubeconfig);
}

/**
 * Works around two rules of client-node: client-node rejects plain http unless TLS verification is off, and ignores the CA of
 * the cluster if the context names no user.
 */
function usable(kubeconfig: KubeConfig): KubeConfig {
  const context = kubeconfig.getContextObject(kubeconfig.getCurrentContext());
  const users = kubeconfig.getUsers() ?? [];
  const user = context?.user || 'anonymous';
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
