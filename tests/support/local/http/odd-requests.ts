import fc from 'fast-check';

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: h\r\nRenku-Auth-Anon-Id: anon-evil\r\n\r\n';

/** Headers that some parsers read differently from others, and plain ones. */
const oddHeader = fc.constantFrom(
  'Connection: content-length',
  'Connection: close, content-length',
  'Connection: transfer-encoding',
  'Connection: host',
  'Connection: keep-alive',
  'Connection: upgrade',
  'Connection: upgrade, http2-settings',
  'connection:\tContent-Length\t',
  'Upgrade: h2c',
  'Upgrade: websocket',
  'HTTP2-Settings: AA',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding:chunked',
  'transfer-encoding: Chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding:\x0bchunked',
  'Transfer_Encoding: chunked',
  'Content-Length: 0',
  'Content-Length: 5',
  'Content-Length: 05',
  'Content-Length: +5',
  'Content-Length: 5, 5',
  'Content-Length: 0x5',
  'Content-Length: 5 ',
  `Content-Length: ${smuggled.length}`,
  'Content_Length: 5',
  'Content-Length\x00: 5',
  'Expect: 100-continue',
  'Expect: what',
  'TE: trailers',
  'Trailer: Content-Length',
  'X-Folded: a\r\n b',
  'X-Folded: a\r\n\tContent-Length: 5',
  'X-Bare: a\nContent-Length: 5',
  'X-Bare: a\rContent-Length: 5',
  'X-Separators: a\x0b\x0c\x1c\x85b',
  'X-High: \xa0\xff',
  ': nameless',
  'No colon',
  'X-Empty:',
  'Host: other',
  'X-Plain: value',
);

const body = fc.constantFrom(
  '',
  'abcde',
  smuggled,
  '5\r\nabcde\r\n0\r\n\r\n',
  `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
  '5;x="\n"\r\nabcde\r\n0\r\n\r\n',
  '5 \r\nabcde\r\n0\r\n\r\n',
  '05\r\nabcde\r\n0\r\nContent-Length: 5\r\n\r\n',
  '0x5\r\nabcde\r\n0\r\n\r\n',
  '5\nabcde\n0\n\n',
  '-1\r\n\r\n',
  'fffffffffffffffff\r\nabc',
  '0\r\n\r\n',
);

/** Headers that the listener accepts. */
const plainHeader = fc.constantFrom(
  'Connection: content-length',
  'Connection: keep-alive, Content-Length, Host, Cookie',
  'Connection: transfer-encoding, x-plain',
  'connection:\tContent-Length\t',
  'Transfer_Encoding: chunked',
  'Content_Length: 5',
  'Expect: 100-continue',
  'TE: trailers',
  'X-High: \xa0\xff',
  'X-Empty:',
  'X-Plain: value',
  'X-Separators: a\tb',
);

/** A body with its length header. */
const framedBody = fc
  .tuple(fc.constantFrom('abcde', '', smuggled, `${smuggled}${smuggled}`), fc.boolean())
  .map(([content, isChunked]) => {
    if (!isChunked) return { framing: [`Content-Length: ${content.length}`], body: content };
    const chunk = content === '' ? '' : `${content.length.toString(16)};x=1\r\n${content}\r\n`;
    return { framing: ['Transfer-Encoding: chunked'], body: `${chunk}0\r\nX-Trailer: Content-Length\r\n\r\n` };
  });

const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH');

/** Requests that are valid for Node's parser. */
const trickyRequest = fc
  .record({
    method,
    target: fc.constantFrom('/a', '/a?b=c', '//a', '/%0d%0aX', 'http://h/a'),
    headers: fc.array(plainHeader, { maxLength: 3 }),
    framed: fc.option(framedBody),
  })
  .map(({ method: verb, target, headers, framed }) => {
    const lines = [`${verb} ${target} HTTP/1.1`, 'Host: h', ...headers, ...(framed?.framing ?? [])];
    return `${lines.join('\r\n')}\r\n\r\n${framed?.body ?? ''}`;
  });

const oddRequest = fc
  .record({
    method: fc.oneof({ weight: 9, arbitrary: method }, fc.constantFrom('get', 'G\x00T')),
    target: fc.constantFrom('/a', '/a?b=c', '//a', '/%0d%0aX', '/a#b', 'http://h/a', '/a\tb', '/\xff', '*', 'a'),
    version: fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/1.1 ', 'http/1.1'),
    headers: fc.array(oddHeader, { maxLength: 4 }),
    lineEnd: fc.constantFrom('\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r\r\n'),
    body,
  })
  .map(({ method, target, version, headers, lineEnd, body: rest }) => {
    const lines = [`${method} ${target} ${version}`, 'Host: h', ...headers];
    return `${lines.join(lineEnd)}${lineEnd}${lineEnd}${rest}`;
  });

/** The data of one connection, as latin-1: a few requests, most of which only some parsers reject. */
export const oddConnection = fc
  .array(fc.oneof({ weight: 3, arbitrary: trickyRequest }, oddRequest), { minLength: 1, maxLength: 4 })
  .map((requests) => requests.join(''));
