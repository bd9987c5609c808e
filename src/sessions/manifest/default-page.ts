import type { Config } from '../../config/types.ts';
import { add, containerIndex, type JsonPatch, jsonPatch, type ManifestInput, mountPathOf } from './input.ts';

const volume = 'jupyter-config-default-page';
/** Jupyter reads it beside the file with the same name in Python, which the operator makes. */
const fileName = 'jupyter_server_config.json';

/**
 * Applications that start a Jupyter server have a default page of their own (`/lab`, `/tree`), which wins over the
 * `ServerApp.default_url` that the operator sets: JupyterLab, and Notebook from version 7 on.
 */
const applications = ['LabApp', 'JupyterNotebookApp'];

/** Makes the session open with the page of the launch, in images of any of these applications. */
export function defaultPage(input: ManifestInput, config: Config): JsonPatch {
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
