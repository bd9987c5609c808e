import { describe, expect, it } from 'vitest';
import { readSettings } from './settings.ts';

describe('operator settings', () => {
  it('are read from environment variables with Amalthea’s names and defaults', () => {
    const settings = readSettings({
      NAMESPACES: 'a, b ,a,',
      AMALTHEA_SELECTOR_LABELS: 'app.kubernetes.io/name: x\napp.kubernetes.io/instance: "1"',
      JUPYTER_SERVER_RESOURCE_CHECK_ENABLED: 'false',
      SERVER_SCHEDULER_NAME: 'packing',
    });
    expect(settings).toMatchObject({
      namespaces: ['a', 'b'],
      selectorLabels: { 'app.kubernetes.io/name': 'x', 'app.kubernetes.io/instance': '1' },
      restartLimits: { init: 1, regular: 3 },
      schedulerName: 'packing',
    });
    expect(settings.jupyterServers).toEqual({ group: 'amalthea.dev', version: 'v1alpha1', plural: 'jupyterservers' });
    expect(settings.resourceUsageIntervalMs).toBeUndefined();
    expect(readSettings({ CLUSTER_WIDE: 'true' })).toMatchObject({ namespaces: [''], resourceUsageIntervalMs: 30_000 });
  });

  it.each([
    [{}, 'NAMESPACES'],
    [{ NAMESPACES: 'a', CLUSTER_WIDE: 'true' }, 'not both'],
    [{ NAMESPACES: 'a/../b' }, 'not a valid name of a namespace'],
    [{ NAMESPACES: 'a', CLUSTER_WIDE: 'maybe' }, 'CLUSTER_WIDE'],
    [{ NAMESPACES: 'a', AMALTHEA_SELECTOR_LABELS: '[1]' }, 'AMALTHEA_SELECTOR_LABELS'],
    [{ NAMESPACES: 'a', AMALTHEA_SELECTOR_LABELS: 'a: 1' }, 'AMALTHEA_SELECTOR_LABELS'],
    [{ NAMESPACES: 'a', JUPYTER_SERVER_RESOURCE_CHECK_INTERVAL_SECONDS: '0' }, 'at least 1'],
    [{ NAMESPACES: 'a', LEADER_ELECTION: 'true' }, 'POD_NAME'],
    [{ NAMESPACES: 'a', NB_SESSIONS__AGENT_SECRETS: '["short"]' }, 'NB_SESSIONS__AGENT_SECRETS'],
    [{ NAMESPACES: 'a', NB_SESSIONS__AGENT_SECRETS: 'not a list' }, 'NB_SESSIONS__AGENT_SECRETS'],
  ])('%j is rejected with a message that names the variable', (env, message) => {
    expect(() => readSettings(env)).toThrow(message);
  });
});
