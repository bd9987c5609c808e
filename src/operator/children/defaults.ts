/** The defaults of the CRD, for objects without a spec and objects that were stored before the CRD had these defaults. */
export const defaults = {
  image: 'jupyter/minimal-notebook:latest',
  defaultUrl: '/lab',
  rootDir: '/home/jovyan/work',
  mountPath: '/home/jovyan/work',
  storageSize: '100Mi',
} as const;
