/** Returns the instructions to resume a hibernated session with kubectl, because this API cannot resume sessions. */
export const howToResume = (session: string): string =>
  `This API cannot resume a session yet. The administrator of the platform resumes it with: kubectl patch jupyterservers ${session} --type merge -p '{"spec":{"jupyterServer":{"hibernated":false}}}'`;
