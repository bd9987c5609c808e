/** The CRD's defaults, for an object that was stored without them (spec absent, or written before they existed). */
export const defaults = {
  image: 'jupyter/minimal-notebook:latest',
  defaultUrl: '/lab',
  rootDir: '/home/jovyan/work',
  mountPath: '/home/jovyan/work',
  storageSize: '100Mi',
} as const;
