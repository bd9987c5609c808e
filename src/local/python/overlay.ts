import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PythonEnvironment } from './types.ts';

const source = fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, '');

/** The settings of an overlay. The launcher of Jupyter reads them and creates the overlay (notebook_session/overlay.py). */
export interface OverlaySettings {
  /** Path relative to the overlay's folder. */
  readonly file: string;
  readonly content: string;
}

export function overlaySettings({
  python,
  base,
  versions,
  sitePackages,
  programs,
}: PythonEnvironment): OverlaySettings {
  const content = JSON.stringify({ python, base, version: versions.python, sitePackages, programs, source });
  return { file: join('image', 'settings.json'), content };
}

/**
 * Returns variables with which kernels and terminals use the overlay in `folder`, and package managers install into it. `path`
 * and `jupyterPath` are the values of PATH and JUPYTER_PATH without the overlay.
 */
export function overlayVariables(
  environment: PythonEnvironment,
  folder: string,
  { path, jupyterPath }: { path: string; jupyterPath: string | undefined },
): Record<string, string> {
  const own = [join(folder, 'image'), folder, ...environment.programs.map((programs) => join(programs, '..'))];
  const data = own.map((prefix) => join(prefix, 'share', 'jupyter'));
  return {
    NOTEBOOK_SESSIONS_OVERLAY: folder,
    VIRTUAL_ENV: folder,
    PATH: [join(folder, 'bin'), join(folder, 'image', 'bin'), path].join(':'),
    // Kernels and extensions of the user interface are found in the overlay; the server's own code is not.
    JUPYTER_PATH: [...data, ...(jupyterPath ? [jupyterPath] : [])].join(':'),
    // Sessions ignore ~/.local, and `user = true` in pip's configuration.
    PYTHONNOUSERSITE: '1',
    PIP_USER: '0',
  };
}
