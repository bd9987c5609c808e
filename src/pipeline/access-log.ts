import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { type HttpLogger, pinoHttp } from 'pino-http';

/** What another program may choose as the id of a request: it goes into logs and answers. */
const acceptableId = /^[A-Za-z0-9][-A-Za-z0-9._]{7,63}$/;

/**
 * Gives every request an id (the caller's X-Request-Id if it is a sane one) and logs one line per answer. Headers and
 * queries are never logged: credentials are in the former, a token may be in the latter.
 */
export function accessLog(log: Logger): HttpLogger {
  const line = (req: IncomingMessage, res: ServerResponse, value: { responseTime?: number }) => ({
    method: req.method,
    path: pathOf(req),
    status: res.statusCode,
    ms: value.responseTime,
    ...(res.writableFinished ? {} : { aborted: true }),
  });
  return pinoHttp({
    logger: log,
    // pino-http puts whole requests and errors (with whatever hangs on them) into its loggers; the line says what is needed.
    wrapSerializers: false,
    serializers: { req: () => undefined },
    quietReqLogger: true,
    quietResLogger: true,
    customAttributeKeys: { reqId: 'requestId' },
    genReqId(req, res) {
      const given = req.headers['x-request-id'];
      const id = typeof given === 'string' && acceptableId.test(given) ? given : randomUUID();
      res.setHeader('X-Request-Id', id);
      return id;
    },
    autoLogging: { ignore: (req) => req.url === '/health' || req.url === '/ready' },
    customLogLevel: (_req, res) => (res.statusCode >= 500 ? 'error' : 'info'),
    customSuccessMessage: () => 'request',
    customErrorMessage: () => 'request',
    customSuccessObject: (req, res, value: { responseTime?: number }) => line(req, res, value),
    // Without the error: the error handler has logged it with its cause.
    customErrorObject: (req, res, _error, value: { responseTime?: number }) => line(req, res, value),
  });
}

function pathOf(req: IncomingMessage): string {
  return ('originalUrl' in req ? String(req.originalUrl) : (req.url ?? '')).split('?', 1)[0]?.slice(0, 500) ?? '';
}
