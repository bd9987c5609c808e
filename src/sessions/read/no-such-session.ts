import { ApiError, errorKind } from '../../errors.ts';

/** Returns the error for a session that does not exist or belongs to another owner. */
export const noSuchSession = (name: string): ApiError =>
  new ApiError(errorKind.missing, `You have no session named ${name}.`);
