import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PythonEnvironment } from './types.ts';

const source = fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, '');

/** What an overlay is made from; the launcher of Jupyter reads it and makes the rest (notebook_session/overlay.py). */
export interface OverlaySettings {
  /** Path below the overlay's folder. */
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
 * Variables with which kernels and terminals run from the overlay in `folder`, and all that installs packages puts them
 * there. `path` and `jupyterPath` are what PATH and JUPYTER_PATH would be without it.
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
    // Kernels and extensions of the user interface (data) are found in the overlay; the server's own code never is.
    JUPYTER_PATH: [...data, ...(jupyterPath ? [jupyterPath] : [])].join(':'),
    // Neither ~/.local nor a `user = true` of pip's configuration is a part of the session.
    PYTHONNOUSERSITE: '1',
    PIP_USER: '0',
  };
}
