/** A Python on this machine that can run a session: what an image is in a cluster. Nothing of a session changes it. */
export interface PythonEnvironment {
  /** Absolute path of the interpreter. */
  readonly python: string;
  /**
   * Absolute path of the interpreter that `python` was made from (`sys._base_executable`), or `python` itself: what the
   * overlay of a session is made from.
   */
  readonly base: string;
  /** The command that starts JupyterLab, before its own arguments: always of the default image's environment. */
  readonly jupyter: readonly string[];
  /** Folders of the environment's programs. Of two with the same name the first one counts. */
  readonly programs: readonly string[];
  /** Folders of its packages, which an overlay adds with `site.addsitedir` in this order: the first one counts. */
  readonly sitePackages: readonly string[];
  readonly versions: {
    readonly python: string;
    readonly jupyterlab: string;
    readonly jupyter_server: string;
    readonly ipykernel: string;
  };
  /** One line for people: `Python 3.11.7, JupyterLab 4.5.11 (/home/ada/.cache/notebook-sessions/python-1a2b)`. */
  readonly description: string;
}

/** `isPassing`: it only says how far something is, and the next line takes its place. */
export type Progress = (line: string, isPassing?: boolean) => void;
