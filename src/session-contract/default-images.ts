/**
 * The images of the containers of a session's pod, if the configuration names no others. Their tags are versions, because a node
 * pulls `latest` again at every start, and gets another program without notice. The chart sets the images of this project.
 */
export const defaultImages = {
  /** Of sessions whose project has no image. renku-notebooks has the same default. */
  session: 'renku/singleuser:latest',
  gitClone: 'renku/git-clone:1.18.1',
  gitProxy: 'renku/git-https-proxy:1.18.1',
  gitSidecar: 'renku/git-rpc-server:1.18.1',
  certificates: 'renku/certificates:0.0.2',
  /** Not Amalthea's bitnami/oauth2-proxy:7.4.0, which is no longer public. */
  oauth2Proxy: 'quay.io/oauth2-proxy/oauth2-proxy:v7.6.0',
  passthroughProxy: 'traefik:v2.5',
} as const;
