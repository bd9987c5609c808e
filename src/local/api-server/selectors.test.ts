import { describe, expect, it } from 'vitest';
import { StatusError } from '../cluster.ts';
import { exactField, parseFieldSelector, parseLabelSelector } from './selectors.ts';

describe('label selectors', () => {
  const labels = { app: 'jupyter', tier: 'web', empty: '', size: '10', 'renku.io/userId': 'a_b' };

  it.each([
    '',
    'app=jupyter',
    'app==jupyter,tier=web',
    'app!=other',
    'missing!=x',
    'app in (jupyter, other)',
    'app notin (a,b)',
    'missing notin (a)',
    'app',
    '!missing',
    ' app = jupyter , !missing ',
    'empty=',
    'empty in ()',
    'renku.io/userId=a_b',
    'app in (jupyter),tier in (web,db),size=10',
  ])('match with %j', (selector) => {
    expect(parseLabelSelector(selector)(labels)).toBe(true);
  });

  it.each([
    'app=other',
    'app!=jupyter',
    'missing=',
    'missing in (a)',
    'app notin (jupyter)',
    '!app',
    'missing',
    'constructor',
    'constructor!=x,app=other',
  ])('do not match with %j', (selector) => {
    expect(parseLabelSelector(selector)(labels)).toBe(false);
  });

  it('match objects without labels', () => {
    expect(parseLabelSelector('!a')(undefined)).toBe(true);
    expect(parseLabelSelector('a')(undefined)).toBe(false);
  });

  it.each([
    '==',
    ',',
    'a,',
    'a(b',
    'a>1',
    'a== b c',
    'a=b c',
    'a in b',
    'a in (b',
    '-a',
    `${'a'.repeat(64)}`,
    'a=-',
    '!',
  ])('are rejected if they are invalid: %j', (selector) => {
    expect(() => parseLabelSelector(selector)).toThrow(StatusError);
  });
});

describe('field selectors', () => {
  const supported = ['metadata.name', 'status.phase'];
  const read = (path: string) => ({ 'metadata.name': 'a,b', 'status.phase': '' })[path] ?? '';

  it.each([
    ['', true],
    ['metadata.name=a\\,b', true],
    ['metadata.name==a\\,b,status.phase=', true],
    ['metadata.name!=c', true],
    ['metadata.name=a', false],
    ['status.phase!=', false],
  ])('match the fields with %j', (selector, expected) => {
    expect(parseFieldSelector(selector, supported)(read)).toBe(expected);
  });

  it.each(['metadata.name', 'spec.x=1', '=x', 'constructor=1'])('are rejected if they are invalid: %j', (selector) => {
    expect(() => parseFieldSelector(selector, supported)).toThrow(StatusError);
  });

  it('return the value that a field must have', () => {
    expect(exactField('status.phase=x,metadata.name=a', 'metadata.name')).toBe('a');
    expect(exactField('metadata.name!=a', 'metadata.name')).toBeUndefined();
    expect(exactField('metadataXname=a', 'metadata.name')).toBeUndefined();
  });
});
