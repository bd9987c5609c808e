import { asObject, parseJson } from '../lib/json.ts';

/**
 * A request to end a session after its work is saved. The service writes the request into an annotation, and the operator carries
 * it out; so a crash of either program only delays it. A failure in it means that the operator has ended the attempt.
 */
export interface StopRequest {
  /** Id of the save. A repeated request for a save with this id has no further effect. */
  readonly id: string;
  /** RFC 3339. */
  readonly at: string;
  /** The user name of the caller. */
  readonly by: string;
  /** What follows the save. */
  readonly action: 'delete' | 'hibernate';
  /** Whether to hibernate the session also if the work cannot be saved. */
  readonly isForced?: boolean;
  readonly failure?: SaveFailure | undefined;
}

/** Milliseconds after a failed save during which another stop of a session that still runs deletes it with its work. */
export const secondStopMs = 3_600_000;

/** Milliseconds after which a stop has failed in any case: the operator gives up after one hour, so no operator carries it out. */
export const longestStopMs = 7_200_000;

/** Why the work was not saved. */
export interface SaveFailure {
  /** One word of the contract with the agent (`push-rejected`), or one of the operator's own reasons. */
  readonly reason: string;
  /** A sentence for the user. */
  readonly message: string;
  /** RFC 3339. */
  readonly at: string;
}

/** The progress of a save, which the operator writes into `status.save`. */
export interface SaveProgress {
  readonly id: string;
  readonly step: string;
  /** Bytes or files of the step. */
  readonly done: number;
  readonly total: number | null;
}

export const writeStopRequest = ({ id, at, by, action, isForced, failure }: StopRequest): string =>
  JSON.stringify({ id, at, by, action, ...(isForced ? { isForced } : {}), ...(failure ? { failure } : {}) });

/** Returns the request in the annotation's text; undefined if the text is not a request. */
export function readStopRequest(text: string | undefined): StopRequest | undefined {
  if (!text) return undefined;
  const { id, at, by, action, isForced, failure } = asObject(parseJson(text)) ?? {};
  if (typeof id !== 'string' || !/^[a-zA-Z0-9-]{1,64}$/.test(id) || !isTime(at) || typeof by !== 'string')
    return undefined;
  const failed = readFailure(failure);
  return {
    ...{ id, at, by, action: action === 'hibernate' ? 'hibernate' : 'delete' },
    ...(isForced === true ? { isForced } : {}),
    ...(failed ? { failure: failed } : {}),
  };
}

/** Returns whether the operator still has to carry out the request. */
export const isPending = (request: StopRequest | undefined): request is StopRequest =>
  request !== undefined && request.failure === undefined;

/**
 * Returns the id of a save for the request. The operator repeats a save that was interrupted, after which files have changed, or that
 * was long before the end of the session.
 * @param round 1 for the first save
 */
export const saveIdOf = (id: string, round: number): string => (round === 1 ? id : `${id.slice(0, 58)}-${round}`);

/** Returns whether the save with this id is one for the request. */
export const isSaveOf = ({ id }: StopRequest, saveId: string): boolean => {
  const round = /-(\d{1,5})$/.exec(saveId)?.[1];
  return saveId === id || (round !== undefined && saveId === saveIdOf(id, Number(round)));
};

function readFailure(value: unknown): SaveFailure | undefined {
  const { reason, message, at } = asObject(value) ?? {};
  return typeof reason === 'string' && typeof message === 'string' && isTime(at) ? { reason, message, at } : undefined;
}

export function readSaveProgress(value: unknown): SaveProgress | undefined {
  const { id, step, done, total } = asObject(value) ?? {};
  if (typeof id !== 'string' || typeof step !== 'string' || typeof done !== 'number') return undefined;
  return { id, step, done, total: typeof total === 'number' ? total : null };
}

const isTime = (value: unknown): value is string => typeof value === 'string' && !Number.isNaN(Date.parse(value));
