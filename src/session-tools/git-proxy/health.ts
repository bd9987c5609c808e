import type { RequestListener } from 'node:http';
import { gitProxyShutdownPath } from '../../session-contract/git-proxy.ts';
import { respond, respondJson } from './respond.ts';

/**
 * Returns the handler of the health port, which listens on the pod's address for the kubelet. `/shutdown` is for the sidecar of
 * renku-notebooks, in the same pod.
 */
export function healthHandler(isListening: () => boolean, onShutdown: () => void): RequestListener {
  return (req, res) => {
    const path = (req.url ?? '').split('?')[0];
    if (path === '/ping') respondJson(res, 200, { message: 'pong' });
    else if (path === '/health')
      respondJson(res, isListening() ? 200 : 503, { status: isListening() ? 'running' : 'starting' });
    else if (path !== gitProxyShutdownPath) respond(res, 404, 'The paths are /health, /ping and /shutdown.');
    else if (!isLoopback(req.socket.remoteAddress))
      respond(res, 403, 'Only programs of the same pod end the git proxy.');
    else {
      onShutdown();
      respondJson(res, 200, { message: 'the git proxy ends with the pod' });
    }
  };
}

const isLoopback = (address = ''): boolean => /^(127\.|::1$|::ffff:127\.)/.test(address);
