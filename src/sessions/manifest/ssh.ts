import type { Config } from '../../config/types.ts';
import { add, containerIndex, type JsonPatch, jsonPatch } from './input.ts';

const volume = 'ssh-host-keys';
const container = `/containers/${containerIndex.jupyterServer}`;

/** Adds the port of the session's ssh server, for a platform with a jump host, and mounts the configured host keys. */
export function ssh({ sessions }: Pick<Config, 'sessions'>): JsonPatch[] {
  const { enabled, service_port, container_port, host_key_secret, host_key_location } = sessions.ssh;
  if (!enabled) return [];
  const servicePort = { name: 'ssh', port: service_port, protocol: 'TCP', targetPort: 'ssh' };
  const ports = jsonPatch(
    // The name of a headless Service resolves to the pod, where the port of the Service does not apply. An empty text lets the
    // API server choose an address.
    { op: 'add', path: '/service/spec/clusterIP', value: '' },
    { op: 'add', path: '/service/spec/ports/-', value: servicePort },
    add(`${container}/ports`, [{ name: 'ssh', containerPort: container_port, protocol: 'TCP' }]),
  );
  if (host_key_secret === null) return [ports];
  return [
    ports,
    jsonPatch(
      add('/volumes/-', { name: volume, secret: { secretName: host_key_secret } }),
      add(`${container}/volumeMounts/-`, { name: volume, mountPath: host_key_location, readOnly: true }),
    ),
  ];
}
