/** A Python environment on this machine that can run sessions, as an image can in a cluster. Sessions do not change it. */
export interface PythonEnvironment {
  /** Absolute path of the interpreter. */
  readonly python: string;
  /**
   * Absolute path of the interpreter on which `python` is based (`sys._base_executable`), or `python` itself. Overlays of
   * sessions are based on it.
   */
  readonly base: string;
  /** The command that starts JupyterLab, without its arguments. All environments use the one of the default image. */
  readonly jupyter: readonly string[];
  /** Folders of the environment's programs. If two programs have the same name, the first one is used. */
  readonly programs: readonly string[];
  /**
   * Folders of its packages, which an overlay adds with `site.addsitedir` in this order. If two packages have the same name,
   * the first one is used.
   */
  readonly sitePackages: readonly string[];
  readonly versions: {
    readonly python: string;
    readonly jupyterlab: string;
    readonly jupyter_server: string;
    readonly ipykernel: string;
  };
  /** For the log and the terminal: `Python 3.11.7, JupyterLab 4.5.11 (/home/ada/.cache/notebook-sessions/python-1a2b)`. */
  readonly description: string;
}

/** With `isTransient`, the next line replaces this line, which shows progress. */
export type Progress = (line: string, isTransient?: boolean) => void;
