import { describe, expect, it } from 'vitest';
import { createAnonymousCookie } from './anonymous-cookie.ts';

describe('the anonymous cookie', () => {
  let now = 1_700_000_000_000;
  const cookie = createAnonymousCookie({
    secret: 'x'.repeat(32),
    path: '/notebooks',
    maxAgeSeconds: 1_000,
    now: () => now,
  });
  const sentOf = (setCookie: string): string => setCookie.split(';')[0] ?? '';

  it('is renewed with the same id after half of its lifetime, and invalid after its expiry', () => {
    const { id, setCookie } = cookie.issue(false);
    const sent = sentOf(setCookie);
    now += 499_000;
    expect(cookie.read(sent, false)).toEqual({ id, renewal: undefined, expiresAt: 1_700_001_000_000 });
    now += 2_000;
    const read = cookie.read(sent, true);
    if (typeof read === 'string' || !read.renewal) throw new Error('was not renewed');
    expect(read.id).toBe(id);
    expect(read.renewal).toContain('; Secure');
    now += 500_000;
    expect(cookie.read(sent, false)).toBe('invalid');
    expect(cookie.read(sentOf(read.renewal), false)).toMatchObject({ id });
  });

  it('is absent if only a cookie with a similar name is present', () => {
    expect(cookie.read(undefined, false)).toBe('none');
    expect(cookie.read('', false)).toBe('none');
    expect(cookie.read('xnotebook-sessions-anonymous=1; notebook-sessions-anonymous2=2', false)).toBe('none');
  });
});
