import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { BoundedMap } from '../../lib/bounded-map.ts';
import { Deadline, DeadlineExceeded } from '../../lib/deadline.ts';
import { createSingleFlightCache } from '../../lib/single-flight-cache.ts';
import type { CommitFile } from '../forge/commit-files.ts';
import { isDiskFull } from '../machine/disk.ts';
import { readText, writePrivateFile } from '../machine/private-files.ts';
import { markerVariable } from '../machine/processes.ts';
import { runToEnd } from '../machine/run-to-end.ts';
import { exclusively } from '../python/exclusive.ts';
import type { PythonEnvironment } from '../python/types.ts';
import { build, diskFull, keptFreeBytes, sitePackagesOf } from './build.ts';
import { type EnvironmentFile, environmentFiles } from './declaration.ts';
import { type Declared, declaredBy, maxFileBytes } from './declared.ts';
import { BuildFailed } from './explain.ts';
import { skippedNotice, withoutPasswords } from './notice.ts';
import { createProgress } from './progress.ts';
import { kernelConstraints, readToml } from './python-programs.ts';
import { type BuiltRecord, EnvironmentStore } from './store.ts';
import type { ImageBuild, ProvidedImage } from './types.ts';
import { findUv } from './uv.ts';
import { uvEnvironment } from './uv-environment.ts';

/** Access to the files of a project's repository. */
export interface CommitSource {
  /**
   * Returns the files with these names in the root folder of the commit; undefined if the project or commit does not exist,
   * or if more than one commit begins with `commit`. Without `maxBytes` no content is read.
   */
  files(
    project: string,
    commit: string,
    names: readonly string[],
    deadline: Deadline,
    maxBytes?: number,
  ): Promise<CommitFile[] | undefined>;
}

export interface CommitImagesOptions {
  /** The beginning of image references: `127.0.0.1:8000`. */
  registry: string;
  source: CommitSource;
  /** The default image. The packages of a commit are a layer over it. */
  environment: PythonEnvironment;
  cacheDir: string;
  /** The platform's variables, with the machine owner's settings of uv and pip. */
  env: NodeJS.ProcessEnv;
  /** Identifies the platform in the environment of its processes. */
  marker: string;
  log: Logger;
  /** Time limit of a build in milliseconds. */
  buildMs?: number;
  /** Returns the free bytes on the disk of the environments; by default those that the system reports. */
  free?: () => Promise<number>;
}

export interface CommitImages {
  /** Prepares the programs that every build needs, so that the first build does not have to wait for them. */
  prepare(signal: AbortSignal): Promise<void>;
  /** Returns true if there is an image of the commit: the commit contains a file that lists requirements. */
  has(project: string, tag: string, deadline: Deadline): Promise<boolean>;
  /**
   * Returns the environment of `reference` (the default image and a layer with the commit's requirements), or its build;
   * undefined if `reference` is not the image of a commit.
   *
   * Callers that need the same content share one build. Each gets all of its output, and the build ends when the last of their
   * signals aborts. If the build fails, the session gets the default image, with a warning that contains the reason.
   */
  find(reference: string, signal: AbortSignal): Promise<ProvidedImage | ImageBuild | undefined>;
  /** Removes environments that were not used for 30 days. */
  prune(signal: AbortSignal): Promise<void>;
}

/** Long enough for large packages over a slow connection. Users see the progress, and can stop the session. */
const defaultBuildMs = 30 * 60_000;
const readMs = 20_000;
const pruneMs = 120_000;
const rememberedKeys = 500;
/** Part of every key. Increased when the rules for reading files change, so that older environments are not used. */
const readerVersion = 1;

export function createCommitImages(options: CommitImagesOptions): CommitImages {
  const { registry, source, environment, cacheDir, env, log, buildMs = defaultBuildMs } = options;
  const store = new EnvironmentStore(cacheDir, options.free);
  const uvCache = join(cacheDir, 'uv-cache');
  // With the marker, a platform that starts after a crash finds and ends the uv processes of the previous platform.
  const variables = { ...uvEnvironment(env, uvCache), [markerVariable]: `${options.marker}/images/uv` };
  const builds = createSingleFlightCache<BuiltRecord>({ ttlMs: 0, maxSize: 1 });
  const progress = createProgress();
  /** The key of each reference. A reference names a commit, and the content of a commit never changes. */
  const keys = new BoundedMap<string, string>({ maxSize: rememberedKeys });

  /** Returns a hash of the default image: its Python, and the last change of its packages. */
  async function imageHash(): Promise<string> {
    const { python, base, versions, sitePackages } = environment;
    const changed = await Promise.all(sitePackages.map(async (folder) => (await stat(folder)).mtimeMs));
    return hash([process.platform, process.arch, python, base, versions, sitePackages, changed]);
  }

  async function keyOf(files: readonly CommitFile[]): Promise<string> {
    const contents = files.map(({ name, isLink, size, content }) => [name, isLink, size, content?.toString('base64')]);
    return hash([readerVersion, contents, await imageHash()]);
  }

  /** Returns the versions that the image's kernel is compatible with. Cached in a file, because Python needs 100 ms for it. */
  async function constraints(signal: AbortSignal): Promise<string> {
    const file = store.folder(`kernel-${await imageHash()}.txt`);
    const cached = await readText(file);
    if (cached !== undefined) return cached;
    const computed = await kernelConstraints(environment.python, signal);
    await writePrivateFile(file, computed);
    return computed;
  }

  /** Removes environments until enough bytes are free, or throws BuildFailed. */
  async function freeSpace(uv: string, signal: AbortSignal): Promise<void> {
    const isEnough = async () => (await store.free()) >= keptFreeBytes;
    if (await isEnough()) return;
    await store.prune(isEnough);
    if (!(await isEnough())) await emptyCache(uv, signal);
    if (!(await isEnough())) throw diskFull(await store.free());
  }

  async function emptyCache(uv: string, signal: AbortSignal): Promise<void> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(pruneMs)]);
    const args = ['cache', 'clean', '--quiet'];
    const onLine = (line: string) => log.info({ line }, 'uv cleans its cache');
    await runToEnd(uv, args, { cwd: store.directory, env: variables, onLine, signal: limited });
  }

  async function make(
    key: string,
    declared: Declared,
    file: EnvironmentFile,
    deadline: Deadline,
  ): Promise<BuiltRecord> {
    const onLine = (line: string) => progress.add(key, withoutPasswords(line));
    const waiting = () => onLine('Waiting for another platform of this machine, which installs the same packages');
    return await exclusively(store.lockFile(key), deadline.signal, waiting, async () => {
      const found = await store.use(key);
      if (found) return found;
      onLine(`Installing the ${declared.requirements.length} requirements of ${file}`);
      const { signal } = deadline;
      const uv = await findUv({ environment, cacheDir, path: env['PATH'] ?? '' }, signal);
      await freeSpace(uv, signal);
      const folder = store.newFolder(key);
      const { requirements } = declared;
      await build({
        ...{ folder, file, requirements, environment, uv, variables, store, deadline },
        constraints,
        progress: onLine,
      });
      const record = { folder, warning: skippedNotice(declared) ?? null };
      await store.keep(key, record);
      return record;
    });
  }

  async function buildFor(
    key: string,
    declared: Declared,
    file: EnvironmentFile,
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<ProvidedImage> {
    const unfollow = progress.follow(key, onLine);
    try {
      const record = await builds.get(key, {
        deadline: Deadline.after(buildMs, signal),
        isUsable: () => false,
        load: (deadline) => make(key, declared, file, deadline),
      });
      return await provide(record);
    } catch (error) {
      signal.throwIfAborted();
      log.warn({ err: error, file }, 'the environment of a commit could not be built');
      const warning = `The packages of ${file} are not installed; the session uses the default environment. ${reasonOf(error, buildMs)}`;
      return { environment, warning };
    } finally {
      unfollow();
    }
  }

  async function find(
    reference: string,
    { project, tag }: { project: string; tag: string },
    signal: AbortSignal,
  ): Promise<ProvidedImage | ImageBuild | undefined> {
    const known = keys.get(reference);
    const kept = known === undefined ? undefined : await store.use(known);
    if (kept) return await provide(kept);

    const files = await source.files(project, tag, environmentFiles, Deadline.after(readMs, signal), maxFileBytes);
    if (!files || files.length === 0) return undefined;
    await store.prepare();
    const key = await keyOf(files);
    keys.set(reference, key);
    const built = await store.use(key);
    if (built) return await provide(built);

    const declared = await declaredBy(files, environment.versions.python, (text) =>
      readToml(environment.python, text, signal),
    );
    const { file } = declared;
    if (file !== undefined) return { build: (onLine, until) => buildFor(key, declared, file, onLine, until) };
    const record = { folder: null, warning: skippedNotice(declared) ?? null };
    await store.keep(key, record);
    return await provide(record);
  }

  async function provide(record: BuiltRecord): Promise<ProvidedImage> {
    const warning = record.warning === null ? {} : { warning: record.warning };
    if (record.folder === null) return { environment, ...warning };
    const directory = store.folder(record.folder);
    const layered: PythonEnvironment = {
      ...environment,
      programs: [join(directory, 'bin'), ...environment.programs],
      sitePackages: [await sitePackagesOf(directory), ...environment.sitePackages],
      description: `${environment.description}, with the project's packages (${directory})`,
    };
    return { environment: layered, ...warning };
  }

  return {
    async prepare(signal) {
      await store.prepare();
      await constraints(signal);
    },

    async has(project, tag, deadline) {
      if (!isCommitTag(tag)) return false;
      return ((await source.files(project, tag, environmentFiles, deadline)) ?? []).length > 0;
    },

    async find(reference, signal) {
      const named = readReference(reference, registry);
      if (!named) return undefined;
      try {
        return await find(reference, named, signal);
      } catch (error) {
        signal.throwIfAborted();
        log.warn({ err: error, reference }, 'the requirements of a commit could not be read');
        const warning = `The project's packages are not installed; the session uses the default environment. ${reasonOf(error, readMs)}`;
        return { environment, warning };
      }
    },

    async prune(signal) {
      await store.prepare();
      if ((await store.prune(() => Promise.resolve(true))) === 0) return;
      // The files of uv's cache are hard links to those of the environments: both must be deleted to free space.
      await emptyCache(await findUv({ environment, cacheDir, path: env['PATH'] ?? '' }, signal), signal);
    },
  };
}

const hash = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);

/** The service uses the first 7 characters of a commit id as the tag, as renku-notebooks does. */
const isCommitTag = (tag: string): boolean => /^[0-9a-f]{7}$/.test(tag);

function readReference(reference: string, registry: string): { project: string; tag: string } | undefined {
  if (!reference.startsWith(`${registry}/`)) return undefined;
  const [, project = '', tag = ''] = /^(.+):([^:/@]+)$/.exec(reference.slice(registry.length + 1)) ?? [];
  return isCommitTag(tag) ? { project, tag } : undefined;
}

function reasonOf(error: unknown, limitMs: number): string {
  if (error instanceof BuildFailed) return error.message;
  if (error instanceof DeadlineExceeded) {
    const seconds = Math.round(limitMs / 1_000);
    return `The time limit of ${seconds} seconds was exceeded. Launch a new session to continue: the downloads are kept.`;
  }
  if (isDiskFull(error)) return diskFull(0).message;
  return 'The reason is in the log of the platform. Launch a new session to try again.';
}
