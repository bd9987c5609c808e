import { isIP } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAddressRanges } from './address-ranges.ts';
import { mayConnect } from './public-addresses.ts';

const none = createAddressRanges([]);

test.each([
  '8.8.8.8',
  '172.15.255.255',
  '172.32.0.1',
  '100.63.255.255',
  '100.128.0.1',
  '192.167.1.1',
  '2606:4700::1111',
  '2a00:1450:4001:830::200e',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
])('connects to %s, which is on the public internet', (address) => {
  expect(mayConnect(address, none)).toBe(true);
});

test.each([
  '0.0.0.0',
  '0.1.2.3',
  '10.1.2.3',
  '100.64.0.1',
  '100.100.100.200',
  '127.0.0.1',
  '127.255.255.254',
  '168.63.129.16',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.168.1.1',
  '198.19.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::127.0.0.1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '0:0:0:0:0:ffff:a9fe:a9fe',
  '64:ff9b::169.254.169.254',
  '64:ff9b::7f00:1',
  '64:ff9b:1::1',
  '2001::1',
  '2002:7f00:1::',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  'localhost',
  '',
  '127.1',
])('refuses %s', (address) => {
  expect(mayConnect(address, none)).toBe(false);
});

test('connects to the allowed ranges in every notation, and to no address beside them', () => {
  const allowed = createAddressRanges(['10.2.0.0/16', 'fd12::/16', '127.0.0.1']);
  for (const address of ['10.2.3.4', '::ffff:10.2.3.4', 'fd12::5', '127.0.0.1', '64:ff9b::10.2.3.4']) {
    expect(mayConnect(address, allowed), address).toBe(true);
  }
  for (const address of ['10.3.0.1', 'fd13::1', '127.0.0.2', '::1', '64:ff9b::1', '64:ff9b::'])
    expect(mayConnect(address, allowed), address).toBe(false);
});

test('allowing all of IPv6 allows no IPv4 address in its mapped notation', () => {
  const allowed = createAddressRanges(['::/0']);
  expect(mayConnect('fd00::1', allowed)).toBe(true);
  for (const address of ['::ffff:10.0.0.1', '::ffff:a9fe:a9fe']) {
    expect(mayConnect(address, allowed), address).toBe(false);
  }
});

test('refuses every address in a special-purpose range, in every notation', () => {
  fc.assert(
    fc.property(fc.constantFrom('10', '127', '0'), fc.nat(0xffffff), (first, rest) => {
      const parts = [first, rest >> 16, (rest >> 8) & 255, rest & 255];
      const [a, b, c, d] = parts.map((part) => Number(part).toString(16).padStart(2, '0'));
      const forms = [
        parts.join('.'),
        `::ffff:${parts.join('.')}`,
        `::ffff:${a}${b}:${c}${d}`,
        `0:0:0:0:0:FFFF:${a}${b}:${c}${d}`,
      ];
      for (const form of forms) {
        expect(isIP(form), form).not.toBe(0);
        expect(mayConnect(form, none), form).toBe(false);
      }
    }),
  );
});
