/** The defaults of the CRD, for objects that were stored without them: without a spec, or before the defaults existed. */
export const defaults = {
  image: 'jupyter/minimal-notebook:latest',
  defaultUrl: '/lab',
  rootDir: '/home/jovyan/work',
  mountPath: '/home/jovyan/work',
  storageSize: '100Mi',
} as const;
