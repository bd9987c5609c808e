import type { ManifestConfig } from '../../config/types.ts';
import { add, containerIndex, type JsonPatch, jsonPatch, type ManifestInput, mountPathOf } from './input.ts';

const volume = 'jupyter-config-default-page';
/** Name of the file. Jupyter also reads the operator's file, which has the same name with the suffix `.py`. */
const fileName = 'jupyter_server_config.json';

/**
 * Applications that start a Jupyter server (JupyterLab, and Notebook from version 7). Each has its own default page (`/lab`,
 * `/tree`), which overrides the operator's `ServerApp.default_url`.
 */
const applications = ['LabApp', 'JupyterNotebookApp'];

/** Sets the launch's default page for all of these applications. */
export function defaultPage(input: ManifestInput, config: ManifestConfig): JsonPatch {
  const settings = Object.fromEntries(applications.map((name) => [name, { default_url: input.defaultUrl }]));
  return jsonPatch(
    { op: 'add', path: `/configmap/data/${fileName}`, value: JSON.stringify(settings) },
    add('/volumes/-', { name: volume, configMap: { name: input.name, items: [{ key: fileName, path: fileName }] } }),
    add(`/containers/${containerIndex.jupyterServer}/volumeMounts/-`, {
      name: volume,
      mountPath: `${mountPathOf(input, config)}/.jupyter_config/${fileName}`,
      subPath: fileName,
    }),
  );
}
