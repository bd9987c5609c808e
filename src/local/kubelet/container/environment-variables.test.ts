import { describe, expect, it } from 'vitest';
import type { EnvironmentVariable, Pod } from '../types.ts';
import { MissingReference, machineVariables, type References, resolveVariables } from './environment-variables.ts';

const pod: Pod = { metadata: { name: 'p-0', namespace: 'ns', uid: 'u' } };
const references: References = {
  secret: (name) =>
    name === 's' ? { metadata: {}, data: { token: Buffer.from('grüezi').toString('base64'), 'env.X': '' } } : undefined,
  configMap: () => undefined,
};
const resolve = (env: EnvironmentVariable[]) => resolveVariables({ name: 'c', env }, pod, references);
const secret = (name: string, key: string, optional?: boolean): EnvironmentVariable => ({
  name: 'T',
  valueFrom: { secretKeyRef: { name, key, ...(optional === undefined ? {} : { optional }) } },
});

describe('resolveVariables', () => {
  it('resolves references to Secrets and to fields of the pod, and rejects other references', () => {
    expect(
      resolve([
        secret('s', 'token'),
        { name: 'E', valueFrom: { secretKeyRef: { name: 's', key: 'env.X' } } },
        { name: 'EMPTY' },
      ]),
    ).toEqual({ T: 'grüezi', E: '', EMPTY: '' });
    const field = (fieldPath: string) => ({ name: 'F', valueFrom: { fieldRef: { fieldPath } } });
    const running = { ...pod, status: { podIP: '127.1.2.3' } };
    const env = [field('status.podIP'), { ...field('metadata.uid'), name: 'U' }];
    expect(resolveVariables({ name: 'c', env }, running, references)).toEqual({ F: '127.1.2.3', U: 'u' });
    for (const path of ['metadata.name', 'constructor'])
      expect(() => resolve([field(path)])).toThrow('the source of the variable F is not supported on this machine');
  });

  it('reports a missing object with the message of Kubernetes', () => {
    expect(() => resolve([secret('nope', 'token')])).toThrow(new MissingReference('secret "nope" not found'));
    expect(() => resolve([secret('s', 'nope')])).toThrow(new MissingReference("couldn't find key nope in Secret ns/s"));
    expect(() => resolve([secret('s', 'constructor')])).toThrow(MissingReference);
  });

  it('omits a variable with an optional reference to a missing object', () => {
    expect(resolve([secret('nope', 'token', true)])).toEqual({});
    expect(resolve([secret('s', 'nope', true)])).toEqual({});
  });

  it('expands earlier variables in literal values, as Kubernetes does', () => {
    expect(
      resolve([
        { name: 'A', value: 'a' },
        { name: 'B', value: '$(A)-$(LATER)-$$(A)-$A-$(toString)' },
        { name: 'LATER', value: 'x' },
      ]),
    ).toMatchObject({ B: 'a-$(LATER)-$(A)-$A-$(toString)' });
  });

  it('rejects names and values that are not possible in a process', () => {
    expect(() => resolve([{ name: 'A=B', value: '' }])).toThrow(/not a valid name/);
    expect(() => resolve([{ name: 'A', value: 'x\0y' }])).toThrow(/NUL/);
  });
});

describe('machineVariables', () => {
  it('passes the variables that programs need, and no secret of the terminal', () => {
    const passed = machineVariables(
      {
        HOME: '/h',
        PATH: '/bin',
        LC_ALL: 'C',
        https_proxy: 'p',
        GITLAB_TOKEN: 't',
        AWS_SECRET_ACCESS_KEY: 'k',
        NODE_OPTIONS: 'o',
      },
      ['/env/bin'],
    );
    expect(passed).toEqual({ LANG: 'C.UTF-8', HOME: '/h', LC_ALL: 'C', https_proxy: 'p', PATH: '/env/bin:/bin' });
  });
});
