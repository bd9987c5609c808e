import { expect, test } from 'vitest';
import { createAddressRanges, networkOf, parseAddressRange, withoutPort } from './address-ranges.ts';

test.each([
  ['10.0.0.0/8', { family: 'ipv4', address: '10.0.0.0', prefix: 8 }],
  ['192.168.1.1', { family: 'ipv4', address: '192.168.1.1', prefix: 32 }],
  ['0.0.0.0/0', { family: 'ipv4', address: '0.0.0.0', prefix: 0 }],
  ['fd00::/8', { family: 'ipv6', address: 'fd00::', prefix: 8 }],
  ['::1', { family: 'ipv6', address: '::1', prefix: 128 }],
])('reads %s', (text, range) => {
  expect(parseAddressRange(text)).toEqual(range);
});

test.each(['10.0.0.0/33', 'fd00::/129', '10.0.0.0/', '10.0.0/8', 'example.org', '10.0.0.0/8/8', '10.0.0.0/-1', ''])(
  'rejects %j, which is not an address range',
  (text) => {
    expect(parseAddressRange(text)).toBeUndefined();
    expect(() => createAddressRanges([text])).toThrow(TypeError);
  },
);

test('includes the addresses of its ranges in every notation, and no others', () => {
  const ranges = createAddressRanges(['10.2.0.0/16', 'fd12::/16', '127.0.0.1']);
  for (const address of ['10.2.3.4', '::ffff:10.2.3.4', '0:0:0:0:0:FFFF:0a02:0304', 'fd12::5', '127.0.0.1'])
    expect(ranges.includes(address), address).toBe(true);
  for (const address of ['10.3.0.1', 'fd13::1', '127.0.0.2', '::1', '::10.2.3.4', 'localhost', '', 'fe80::1%eth0'])
    expect(ranges.includes(address), address).toBe(false);
});

test('a range of all addresses of one family includes none of the other family', () => {
  for (const address of ['8.8.8.8', '::ffff:8.8.8.8', '::ffff:808:808']) {
    expect(createAddressRanges(['::/0']).includes(address), address).toBe(false);
  }
  expect(createAddressRanges(['0.0.0.0/0']).includes('::1')).toBe(false);
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', undefined],
  ['not an address', undefined],
])('the network of %s is %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test.each([
  ['10.0.0.1:4711', '10.0.0.1'],
  ['[::1]:4711', '::1'],
  ['[::1]', '::1'],
  ['10.0.0.1', '10.0.0.1'],
  ['fd00::1:4711', 'fd00::1:4711'],
  ['[]', '[]'],
  ['unknown', 'unknown'],
])('%s without its port is %s', (address, text) => {
  expect(withoutPort(address)).toBe(text);
});
