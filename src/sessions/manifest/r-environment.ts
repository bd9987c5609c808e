import { variableKey, variablesSecretName } from './credential-keys.ts';
import { add, containerIndex, type JsonPatch, jsonPatch, type ManifestInput } from './input.ts';

const volume = 'r-environment';
const fileName = '.Renviron';

/** Path of R's start-up file: the home directory of the user in the platform's images. */
const mountPath = `/home/jovyan/${fileName}`;

/** R reads a line into a buffer of 10,000 bytes. R reads the rest of a longer line as a separate line. */
const lineLimitBytes = 9_998;

/**
 * Mounts R's start-up file with the user's variables, because R sessions in RStudio do not inherit the variables of the
 * container. The file is in the variables Secret, so the object does not contain the values.
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
 * Returns the text of R's start-up file that sets the user's variables. Values with a line break and values that are too long
 * are left out, because the format cannot contain them. The environment of the container has all variables.
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
 * Returns the value in single quotes, except for text that R interprets inside single quotes, too: R replaces `${` before it
 * parses quotes, a single quote must be in double quotes, and a backslash before a closing quote would escape the quote.
 * Outside quotes, R removes one of two backslashes.
 */
function quoted(value: string): string {
  const inside = value.replaceAll(/\$\{|(\\*)'|(\\+)$/g, (special, before: string = '', last: string = '') => {
    if (special === '${') return "$''{";
    return unquoted(before || last) + (special.endsWith("'") ? `'"'"'` : '');
  });
  return `'${inside}'`;
}

const unquoted = (backslashes: string): string => (backslashes === '' ? '' : `'\\${backslashes}'`);
