import { asObject, isObject } from '../../../lib/json.ts';
import { defaultRules, errorInRules } from './ignore-rules.ts';
import { errorInPath } from './paths.ts';
import type { SyncFolderSettings } from './sync-folder.ts';

/** A member of the settings is invalid. The message begins with its path. */
export class InvalidSettings extends Error {
  override readonly name = 'InvalidSettings';
}

export const folderIdPattern = /^[a-z0-9][a-z0-9-]{0,31}$/;

export interface FolderRequest {
  readonly settings: SyncFolderSettings;
  /** undefined: the stored ones stay. */
  readonly credentials: Readonly<Record<string, string>> | undefined;
}

/** Reads `SyncFolderRequest` of agent.openapi.yaml. Throws InvalidSettings. The remote's options are checked by `Remotes`. */
export function readFolderRequest(id: string, json: unknown): FolderRequest {
  const body = asObject(json);
  if (!body) throw new InvalidSettings('The body is not a JSON object.');
  const { path, remote, credentials, paused, ...more } = body;
  const { intervalSeconds, ignore, maxFileBytes, backupSeconds, bytesPerSecond, ...others } = more;
  rejectOthers('', others);
  return {
    settings: {
      id,
      path: readFolderPath(path),
      remote: readRemote(remote),
      intervalSeconds: readInteger('intervalSeconds', intervalSeconds ?? 60, 5, 86_400),
      ignore: readRules(ignore ?? defaultRules),
      maxFileBytes: readInteger('maxFileBytes', maxFileBytes ?? 5 * 1024 ** 3, 1, Number.MAX_SAFE_INTEGER),
      backupSeconds: readInteger('backupSeconds', backupSeconds ?? 30 * 86_400, 3600, 365 * 86_400),
      bytesPerSecond:
        bytesPerSecond === undefined || bytesPerSecond === null
          ? null
          : readInteger('bytesPerSecond', bytesPerSecond, 1024, Number.MAX_SAFE_INTEGER),
      paused: readBoolean('paused', paused ?? false),
    },
    credentials: credentials === undefined ? undefined : readTexts('credentials', credentials),
  };
}

function rejectOthers(parent: string, others: object): void {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new InvalidSettings(`${parent}${unknown}: unknown member`);
}

function readFolderPath(value: unknown): string {
  if (typeof value !== 'string') throw new InvalidSettings('path: must be a text');
  const error = errorInPath(value);
  if (error !== undefined) throw new InvalidSettings(`path: ${error}`);
  if (value.split('/').includes('.git')) throw new InvalidSettings('path: must not be in a folder ".git"');
  return value;
}

function readRemote(value: unknown): SyncFolderSettings['remote'] {
  if (!isObject(value)) throw new InvalidSettings('remote: must be an object');
  const { name, type, path, options, ...others } = value;
  rejectOthers('remote.', others);
  if (typeof name !== 'string' || !/^[^\p{Cc}]{1,100}$/u.test(name))
    throw new InvalidSettings('remote.name: must be one line of 1 to 100 characters');
  if (typeof type !== 'string') throw new InvalidSettings('remote.type: must be a text');
  if (typeof path !== 'string') throw new InvalidSettings('remote.path: must be a text');
  const error = path === '' ? undefined : errorInPath(path);
  if (error !== undefined) throw new InvalidSettings(`remote.path: ${error}`);
  return { name, type, path, options: readTexts('remote.options', options) };
}

function readTexts(member: string, value: unknown): Record<string, string> {
  if (!isObject(value)) throw new InvalidSettings(`${member}: must be an object`);
  return Object.fromEntries(
    Object.entries(value).map(([key, text]) => {
      if (typeof text !== 'string') throw new InvalidSettings(`${member}.${key}: must be a text`);
      return [key, text];
    }),
  );
}

function readRules(value: unknown): string[] {
  if (!Array.isArray(value)) throw new InvalidSettings('ignore: must be a list');
  const rules = value.map((rule: unknown, index) => {
    if (typeof rule !== 'string') throw new InvalidSettings(`ignore[${index}]: must be a text`);
    return rule;
  });
  const error = errorInRules(rules);
  if (error !== undefined) throw new InvalidSettings(error);
  return rules;
}

function readInteger(member: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new InvalidSettings(`${member}: must be a whole number from ${min} to ${max}`);
}

function readBoolean(member: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new InvalidSettings(`${member}: must be true or false`);
}
