import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Deadline, DeadlineExceeded } from '../../lib/deadline.ts';
import { createSingleFlightCache } from '../../lib/single-flight-cache.ts';
import type { CommitFile } from '../forge/commit-files.ts';
import type { ImageBuild, ProvidedImage } from '../kubelet/pod/context.ts';
import { isDiskFull } from '../machine/disk.ts';
import { readText, writePrivateFile } from '../machine/private-files.ts';
import { markerVariable } from '../machine/processes.ts';
import { runToEnd } from '../machine/run-to-end.ts';
import { exclusively } from '../python/exclusive.ts';
import type { PythonEnvironment } from '../python/types.ts';
import { build, diskFull, keptFreeBytes, sitePackagesOf } from './build.ts';
import { type Declared, declaredBy, type EnvironmentFile, environmentFiles, maxFileBytes } from './declared.ts';
import { BuildFailed } from './explain.ts';
import { skippedNotice, withoutPasswords } from './notice.ts';
import { createProgress } from './progress.ts';
import { kernelConstraints, readToml } from './python-programs.ts';
import { type BuiltRecord, EnvironmentStore } from './store.ts';
import { findUv } from './uv.ts';
import { uvEnvironment } from './uv-environment.ts';

/** A project's repository, as far as images of its commits need it. */
export interface CommitSource {
  /**
   * Those of the files that are at the top of the commit; undefined where there is no such project or commit, or more
   * than one commit begins like this. Without `maxBytes` no content is read.
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
  /** `127.0.0.1:8000`: what references begin with. */
  registry: string;
  source: CommitSource;
  /** The image that the layers are put over. */
  environment: PythonEnvironment;
  cacheDir: string;
  /** The platform's own, with the machine owner's settings of uv and pip. */
  env: NodeJS.ProcessEnv;
  /** Names the platform in the environment of its processes. */
  marker: string;
  log: Logger;
  /** Milliseconds that a build may take. */
  buildMs?: number;
  /** Bytes that are free on the disk of the environments, where that is not to be asked of the system. */
  free?: () => Promise<number>;
}

export interface CommitImages {
  /** Finds out what every build needs to know of the image, so that the first one need not wait for it. */
  prepare(signal: AbortSignal): Promise<void>;
  /** Whether there is an image of the commit: one of the files that say what a project needs is in it. */
  has(project: string, tag: string, deadline: Deadline): Promise<boolean>;
  /**
   * What runs `reference`: the image's environment under a layer with what the commit asks for, or how that is built.
   * undefined: `reference` is no image of a commit.
   *
   * A build is shared by all that ask for the same content, each of which gets all of its lines, and ends with the last
   * of their signals. Where it fails, the image alone runs the session, with a warning that says why.
   */
  find(reference: string, signal: AbortSignal): Promise<ProvidedImage | ImageBuild | undefined>;
  /** Removes environments that were not used for 30 days. */
  prune(signal: AbortSignal): Promise<void>;
}

/** For large packages over a slow line; the progress is shown meanwhile, and stopping the session ends the build. */
const defaultBuildMs = 30 * 60_000;
const readMs = 20_000;
const pruneMs = 120_000;
const rememberedKeys = 500;
/** Of what the files are taken to say: with another number, what was built before is not used. */
const readerVersion = 1;

export function createCommitImages(options: CommitImagesOptions): CommitImages {
  const { registry, source, environment, cacheDir, env, log, buildMs = defaultBuildMs } = options;
  const store = new EnvironmentStore(cacheDir, options.free);
  const uvCache = join(cacheDir, 'uv-cache');
  // The marker: a platform that starts after a crash finds and ends the uv of the former one.
  const variables = { ...uvEnvironment(env, uvCache), [markerVariable]: `${options.marker}/images/uv` };
  const builds = createSingleFlightCache<BuiltRecord>({ ttlMs: 0, maxSize: 1 });
  const progress = createProgress();
  /** A reference names one content for ever. */
  const keys = new Map<string, string>();

  /** What the image is: its Python, and its packages as of their last change. */
  async function image(): Promise<string> {
    const { python, base, versions, sitePackages } = environment;
    const changed = await Promise.all(sitePackages.map(async (folder) => (await stat(folder)).mtimeMs));
    return hash([process.platform, process.arch, python, base, versions, sitePackages, changed]);
  }

  async function keyOf(files: readonly CommitFile[]): Promise<string> {
    const contents = files.map(({ name, isLink, size, content }) => [name, isLink, size, content?.toString('base64')]);
    return hash([readerVersion, contents, await image()]);
  }

  /** Which versions the image's kernel works with; kept, because Python needs a tenth of a second to say it. */
  async function constraints(signal: AbortSignal): Promise<string> {
    const file = store.folder(`kernel-${await image()}.txt`);
    const known = await readText(file);
    if (known !== undefined) return known;
    const said = await kernelConstraints(environment.python, signal);
    await writePrivateFile(file, said);
    return said;
  }

  /** Makes room, or throws BuildFailed. */
  async function makeRoom(uv: string, signal: AbortSignal): Promise<void> {
    const isEnough = async () => (await store.free()) >= keptFreeBytes;
    if (await isEnough()) return;
    await store.prune(isEnough);
    if (!(await isEnough())) await emptyCache(uv, signal);
    if (!(await isEnough())) throw diskFull(await store.free());
  }

  async function emptyCache(uv: string, signal: AbortSignal): Promise<void> {
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(pruneMs)]);
    const args = ['cache', 'clean', '--quiet'];
    const told = (line: string) => log.info({ line }, 'uv cleans its cache');
    await runToEnd(uv, args, { cwd: store.directory, env: variables, onLine: told, signal: inTime });
  }

  async function make(
    key: string,
    declared: Declared,
    file: EnvironmentFile,
    deadline: Deadline,
  ): Promise<BuiltRecord> {
    const tell = (line: string) => progress.tell(key, withoutPasswords(line));
    const waiting = () => tell('Another platform of this machine is installing the same packages; waiting for it');
    return await exclusively(store.lockFile(key), deadline.signal, waiting, async () => {
      const found = await store.use(key);
      if (found) return found;
      tell(`Installing the ${declared.requirements.length} requirements of ${file}`);
      const { signal } = deadline;
      const uv = await findUv({ environment, cacheDir, path: env['PATH'] ?? '' }, signal);
      await makeRoom(uv, signal);
      const folder = store.newFolder(key);
      const { requirements } = declared;
      await build({
        ...{ folder, file, requirements, environment, uv, variables, store, deadline },
        constraints,
        progress: tell,
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
    tell: (line: string) => void,
    signal: AbortSignal,
  ): Promise<ProvidedImage> {
    const leave = progress.follow(key, tell);
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
      const why = reasonOf(error, buildMs);
      return {
        environment,
        warning: `The packages of ${file} are not installed; the session runs the default environment. ${why}`,
      };
    } finally {
      leave();
    }
  }

  async function look(
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
    if (keys.size >= rememberedKeys) keys.clear();
    keys.set(reference, key);
    const built = await store.use(key);
    if (built) return await provide(built);

    const declared = await declaredBy(files, environment.versions.python, (text) =>
      readToml(environment.python, text, signal),
    );
    const { file } = declared;
    if (file !== undefined) return { build: (tell, until) => buildFor(key, declared, file, tell, until) };
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
        return await look(reference, named, signal);
      } catch (error) {
        signal.throwIfAborted();
        log.warn({ err: error, reference }, 'what a commit asks for could not be read');
        const warning = `The project's packages are not installed; the session runs the default environment. ${reasonOf(error, readMs)}`;
        return { environment, warning };
      }
    },

    async prune(signal) {
      await store.prepare();
      if ((await store.prune(() => Promise.resolve(true))) === 0) return;
      // Its files share their place on the disk with those of the environments.
      await emptyCache(await findUv({ environment, cacheDir, path: env['PATH'] ?? '' }, signal), signal);
    },
  };
}

const hash = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);

/** The service asks for the first 7 characters of a commit's id, as the original does. */
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
    return `It was not done within ${seconds} seconds, which is the limit. Launch a new session to go on: what was downloaded is kept.`;
  }
  if (isDiskFull(error)) return diskFull(0).message;
  return 'This machine could not do it: the log of the platform says why. Launch a new session to try again.';
}
