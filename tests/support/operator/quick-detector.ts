/** The operator as a process, with a shorter check whether Amalthea runs: 30 s for each start would be too long for a test. */
import { createOperator } from '../../../src/operator/operator.ts';
import { readSettings } from '../../../src/operator/settings.ts';
import { createKubernetesClient } from '../../../src/platform/kubernetes/client.ts';
import { loadKubeConfig } from '../../../src/platform/kubernetes/kubeconfig.ts';
import { createLogger } from '../../../src/platform/logging/logger.ts';

const log = createLogger({ name: 'operator', level: 'info' });
const client = createKubernetesClient({ kubeconfig: await loadKubeConfig(), log });
const detectorTiming = { proofMs: 500, retryMs: 500 };
const operator = createOperator({ client, settings: readSettings(process.env), log, detectorTiming });
process.once('SIGTERM', () => void operator.stop().then(() => client.close()));
await operator.start();
