import { variableKey, variablesSecretName } from './credential-keys.ts';
import { add, containerIndex, type JsonPatch, jsonPatch, type ManifestInput } from './input.ts';

const volume = 'r-environment';
const fileName = '.Renviron';

/** R reads it from the home directory of the user of the platform's images. */
const mountPath = `/home/jovyan/${fileName}`;

/** R reads a line into a buffer of 10,000 bytes, and the rest of a longer line as another line. */
const lineLimitBytes = 9_998;

/**
 * R sessions that RStudio starts do not inherit the container's variables: R reads the user's variables from a file. The
 * file is in the variables Secret; the object has only its mount.
 */
export function rEnvironment(input: ManifestInput): JsonPatch[] {
  if (environmentFile(input.environment) === '') return [];
  const items = [{ key: variableKey.environmentFile, path: fileName }];
  const secret = { secretName: variablesSecretName(input.name), items, defaultMode: 0o440 };
  const mount = { name: volume, mountPath, subPath: fileName, readOnly: true };
  return [
    jsonPatch(
      add('/volumes/-', { name: volume, secret }),
      add(`/containers/${containerIndex.jupyterServer}/volumeMounts/-`, mount),
    ),
  ];
}

/**
 * Returns the text of R's start-up file that sets the user's variables. Values that the file cannot express are left out
 * (a line break always ends a line); the container has all of them.
 */
export function environmentFile(environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment)
    .filter(([, value]) => !value.includes('\n'))
    .map(([name, value]) => `${name}=${quoted(value)}`)
    .filter((line) => Buffer.byteLength(line) <= lineLimitBytes)
    .map((line) => `${line}\n`)
    .join('');
}

/**
 * Puts the value in single quotes, except for text that R interprets even there: R replaces `${` before it reads quotes, a
 * single quote needs double quotes, and a backslash before a closing quote would escape it. Outside quotes, R removes
 * one backslash.
 */
function quoted(value: string): string {
  const inside = value.replaceAll(/\$\{|(\\*)'|(\\+)$/g, (special, before: string = '', last: string = '') => {
    if (special === '${') return "$''{";
    return unquoted(before || last) + (special.endsWith("'") ? `'"'"'` : '');
  });
  return `'${inside}'`;
}

const unquoted = (backslashes: string): string => (backslashes === '' ? '' : `'\\${backslashes}'`);
