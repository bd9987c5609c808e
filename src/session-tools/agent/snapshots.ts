import type { components } from '../../generated/agent-api.ts';
import { asObject } from '../../lib/json.ts';
import { SaveFailure } from '../saves/failure.ts';
import type { SaveTools } from '../saves/save.ts';
import { createCooldowns } from './cooldowns.ts';
import type { Operation, Operations, SnapshotResult } from './operations.ts';
import { isSignatureOf, signManifest } from './snapshot-signature.ts';
import type { Supervisor } from './supervisor.ts';
import type { Line, SupervisorStream } from './supervisor-stream.ts';

type Schemas = components['schemas'];
export type SnapshotReason = 'user' | 'automatic' | 'hibernate';

export interface SnapshotsParts {
  readonly supervisor: Supervisor;
  readonly stream: SupervisorStream;
  readonly operations: Operations;
  /** The key of the session. The containers of kernels do not have it on a cluster. */
  readonly key: Buffer;
  readonly now: () => number;
}

export interface TakeRequest {
  readonly label: string;
  readonly reason: SnapshotReason;
  /** How many snapshots with the same reason are kept; undefined: all. */
  readonly keep: number | undefined;
  /** undefined: the supervisor chooses. */
  readonly engine?: 'namespace' | 'criu' | undefined;
}

/** Snapshots of kernels: the supervisor makes the files, and this program signs what was made. All methods throw SaveFailure. */
export interface Snapshots {
  /** Returns the members of SnapshotList that the supervisor knows. The service checks the shape. */
  list(kernelId: string, stop: AbortSignal): Promise<object>;
  /** Starts an operation, or one that ends at once because the last snapshot was just taken. */
  take(kernelId: string, request: TakeRequest): Promise<Operation>;
  restore(kernelId: string, snapshotId: string, force: boolean): Promise<Operation>;
  remove(kernelId: string, snapshotId: string | undefined, stop: AbortSignal): Promise<void>;
  /** Returns when the kernel was free again after its last snapshot or restore of this agent, in milliseconds since the epoch. */
  lastUsed(kernelId: string): number;
  /** Returns whether `take` would be skipped. */
  isCoolingDown(kernelId: string): boolean;
}

type Progress = SaveTools['progress'];
const steps: readonly string[] = ['waiting', 'writing', 'checking', 'loading'];
/** Milliseconds from the cancellation until the connection is closed: the kernel says whether it was in time. */
const cancelMs = 30_000;
const emptyBody = Buffer.alloc(0);

export function createSnapshots({ supervisor, stream, operations, key, now }: SnapshotsParts): Snapshots {
  const cooldowns = createCooldowns(now);
  const used = new Map<string, number>();
  const pathOf = (kernelId: string, part = '') => `/kernels/${kernelId}/snapshots${part}`;

  /** Reads the lines, and returns the last one. An abort cancels what the supervisor does, which then says how it ended. */
  async function read(
    kernelId: string,
    lines: AsyncIterable<Line>,
    connection: AbortController,
    progress: Progress,
    stop: AbortSignal,
  ): Promise<Line> {
    let timer: NodeJS.Timeout | undefined;
    const cancel = () => {
      timer = setTimeout(() => connection.abort(), cancelMs);
      supervisor('POST', pathOf(kernelId, '/cancel'), emptyBody, connection.signal).catch(() => connection.abort());
    };
    stop.addEventListener('abort', cancel);
    if (stop.aborted) cancel();
    let last: Line = {};
    try {
      for await (const line of lines) {
        last = line;
        const { step, done, total } = line;
        if (isStep(step)) progress(step, Number(done), typeof total === 'number' ? total : null);
      }
    } finally {
      clearTimeout(timer);
      stop.removeEventListener('abort', cancel);
    }
    const finishedAt = last['finished_at'] ?? asObject(last['restored'])?.['finished_at'];
    if (typeof finishedAt === 'number') used.set(kernelId, finishedAt * 1000);
    return last;
  }

  /** Sends the request before the operation exists, so that a rejection is the response. */
  async function begin(
    work: { kind: 'snapshot' | 'restore'; reason: string; kernelId: string },
    path: string,
    body: object,
    finish: (last: Line) => Promise<SnapshotResult>,
    end: () => void = () => undefined,
  ): Promise<Operation> {
    const connection = new AbortController();
    const lines = await stream(path, body, connection.signal);
    return operations.begin({
      ...work,
      run: async (progress, stop) => {
        try {
          return await finish(await read(work.kernelId, lines, connection, progress, stop));
        } finally {
          end();
        }
      },
    });
  }

  const empty = { snapshot: null, duration_ms: null, skipped: null, restored: null };

  return {
    async list(kernelId, stop) {
      const { body } = await supervisor('GET', pathOf(kernelId), emptyBody, stop);
      return body;
    },

    async take(kernelId, { label, reason, keep, engine }) {
      // The last chance for what has changed since the last snapshot.
      const skipped = cooldowns.begin(kernelId, reason === 'hibernate');
      if (skipped) {
        const run = async () => ({ ...empty, kernel_id: kernelId, skipped });
        const operation = operations.begin({ kind: 'snapshot', reason, kernelId, run });
        return (await operations.ended(operation.id)) ?? operation;
      }
      let isTaken = false;
      const end = () => cooldowns.end(kernelId, isTaken);
      try {
        return await begin(
          { kind: 'snapshot', reason, kernelId },
          pathOf(kernelId),
          { label, reason, ...(engine === undefined ? {} : { engine }) },
          async (last) => {
            const { manifest, id, duration_ms: duration } = last;
            if (typeof manifest !== 'string' || typeof id !== 'string') throw unfinished();
            const signature = { signature: signManifest(key, manifest), ...(keep === undefined ? {} : { keep }) };
            const path = pathOf(kernelId, `/${id}/signature`);
            const request = Buffer.from(JSON.stringify(signature));
            // The snapshot is there: it is too late to cancel.
            const { body } = await supervisor('PUT', path, request, AbortSignal.timeout(cancelMs));
            if (!isSnapshot(body)) throw unfinished();
            isTaken = true;
            return { ...empty, kernel_id: kernelId, snapshot: body, duration_ms: Number(duration) };
          },
          end,
        );
      } catch (error) {
        end();
        throw error;
      }
    },

    async restore(kernelId, snapshotId, force) {
      const path = pathOf(kernelId, `/${snapshotId}`);
      const { body } = await supervisor('GET', path, emptyBody, AbortSignal.timeout(cancelMs));
      const { manifest, signature } = asObject(body) ?? {};
      if (typeof manifest !== 'string' || typeof signature !== 'string' || !isSignatureOf(key, manifest, signature))
        throw new SaveFailure(
          'conflict',
          'The snapshot has no valid signature: another session made its files, or they were changed. Loading them could run foreign code.',
        );
      const work = { kind: 'restore', reason: 'user', kernelId } as const;
      return await begin(
        work,
        pathOf(kernelId, `/${snapshotId}/restore`),
        { manifest, force },
        async ({ restored, snapshot }) => {
          if (!isSnapshot(snapshot) || !isRestored(restored)) throw unfinished();
          return { ...empty, kernel_id: kernelId, snapshot, restored };
        },
      );
    },

    async remove(kernelId, snapshotId, stop) {
      const path = pathOf(kernelId, snapshotId === undefined ? '' : `/${snapshotId}`);
      await supervisor('DELETE', path, emptyBody, stop);
    },

    lastUsed: (kernelId) => used.get(kernelId) ?? 0,
    isCoolingDown: (kernelId) => cooldowns.find(kernelId) !== undefined,
  };
}

const isStep = (step: unknown): step is 'waiting' | 'writing' | 'checking' | 'loading' =>
  typeof step === 'string' && steps.includes(step);

/** The service checks the rest of the shapes. */
const isSnapshot = (value: unknown): value is Schemas['Snapshot'] => typeof asObject(value)?.['id'] === 'string';
const isRestored = (value: unknown): value is NonNullable<SnapshotResult['restored']> =>
  typeof asObject(value)?.['restored'] === 'number';

const unfinished = (): SaveFailure =>
  new SaveFailure('no-response', 'The supervisor of the session ended before the operation did.');
