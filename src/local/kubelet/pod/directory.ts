import { join } from 'node:path';
import { folderName } from '../volumes/mounts.ts';

/** Where one pod's things are: `<state>/pods/<uid>/`, for the owner only. */
export class PodDirectory {
  readonly root: string;

  constructor(stateDir: string, uid: string) {
    this.root = join(stateDir, 'pods', folderName('subdomain', uid));
  }

  /** An emptyDir, or the files of a Secret or ConfigMap. */
  volume(name: string): string {
    return join(this.root, 'volumes', folderName('label', name));
  }

  container(name: string): string {
    return join(this.root, 'containers', folderName('label', name));
  }

  /** One run of a container's process: its log, and who it is and how it ended. */
  attempt(container: string, attempt: number): string {
    return join(this.container(container), String(attempt));
  }

  /** What stands for the rest of a container's own file system: paths that no volume holds. */
  scratch(container: string): string {
    return join(this.root, 'scratch', folderName('label', container));
  }

  /** The overlay environment of a session without a volume for it. */
  get environment(): string {
    return join(this.root, 'environment');
  }

  /** Jupyter's own configuration and run-time files. */
  get jupyter(): string {
    return join(this.root, 'jupyter');
  }
}
