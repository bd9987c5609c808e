import { variableKey, variablesSecretName } from './credential-keys.ts';
import { add, containerIndex, type JsonPatch, jsonPatch, type ManifestInput } from './input.ts';

const volume = 'r-environment';
const fileName = '.Renviron';

/** Where R looks for it in the platform's images: the home of their user. */
const mountPath = `/home/jovyan/${fileName}`;

/** R reads a line into a buffer of 10,000 bytes and takes the rest of a longer one for a line of its own. */
const lineLimitBytes = 9_998;

/**
 * R sessions that RStudio starts do not inherit the container's variables: R gets the user's from a file. It is in the
 * variables Secret; only where it goes is in the object.
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
 * The user's variables as R's start-up file gives them back, character for character. Values that it cannot hold (a
 * line break ends a line, whatever stands around it) are left out; the container has them all the same.
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
 * In single quotes, but for what means something to R even there: `${` is looked for before quotes are, a quote needs
 * the other kind of quotes, and a backslash before a closing quote would keep it open. Outside of quotes, R reads one
 * backslash less than there are.
 */
function quoted(value: string): string {
  const inside = value.replaceAll(/\$\{|(\\*)'|(\\+)$/g, (special, before: string = '', last: string = '') => {
    if (special === '${') return "$''{";
    return unquoted(before || last) + (special.endsWith("'") ? `'"'"'` : '');
  });
  return `'${inside}'`;
}

const unquoted = (backslashes: string): string => (backslashes === '' ? '' : `'\\${backslashes}'`);
