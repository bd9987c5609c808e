import { join } from 'node:path';
import { folderName } from '../volumes/mounts.ts';

/** The folders of one pod, in `<state>/pods/<uid>/`, which only the owner can read. */
export class PodDirectory {
  readonly root: string;

  constructor(stateDir: string, uid: string) {
    this.root = join(stateDir, 'pods', folderName('subdomain', uid));
  }

  /** Holds an emptyDir, or the files of a Secret or ConfigMap. */
  volume(name: string): string {
    return join(this.root, 'volumes', folderName('label', name));
  }

  container(name: string): string {
    return join(this.root, 'containers', folderName('label', name));
  }

  /** Holds the files of one run of a container: log, processes, exit code. */
  attempt(container: string, attempt: number): string {
    return join(this.container(container), String(attempt));
  }

  /** Replaces the container's own file system: contains the paths that are not in a volume. */
  scratch(container: string): string {
    return join(this.root, 'scratch', folderName('label', container));
  }

  /** Holds the overlay environment of a session without a volume. */
  get environment(): string {
    return join(this.root, 'environment');
  }

  /** Holds Jupyter's configuration and run-time files. */
  get jupyter(): string {
    return join(this.root, 'jupyter');
  }
}
