/** An error that the user can correct. Its message is printed without a stack. */
export class UserError extends Error {
  override readonly name: string = 'UserError';
}
