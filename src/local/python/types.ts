/** A Python on this machine that can run a session's Jupyter server: what an image is in a cluster. */
export interface PythonEnvironment {
  /** Absolute path of the interpreter. */
  readonly python: string;
  /** The command that starts JupyterLab, before its own arguments. */
  readonly jupyter: readonly string[];
  /** Folder of the environment's programs: first on a session's PATH. */
  readonly programs: string;
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
