/** Returns how a hibernated session is resumed, because this API cannot do it yet. */
export const howToResume = (session: string): string =>
  `This API cannot resume a session yet. The administrator of the platform resumes it with: kubectl patch jupyterservers ${session} --type merge -p '{"spec":{"jupyterServer":{"hibernated":false}}}'`;
