import type { Response } from 'express';

type JsonResponse = Pick<Response, 'json' | 'setHeader' | 'end'>;

const start = Buffer.from('{"servers":{');
const comma = Buffer.from(',');
const end = Buffer.from('}}');

/**
 * Sends the list of sessions. `members` are its members as JSON in UTF-8 (`Presenter.member`), which is cached per
 * session: with 100 sessions, `JSON.stringify` takes more than twice the processor time of a whole request (measured with
 * `npm run bench -- --only list100`).
 */
export function sendSessionList(res: JsonResponse, members: readonly Buffer[]): void {
  const separated = members.flatMap((member, index) => (index === 0 ? [member] : [comma, member]));
  sendJsonBytes(res, Buffer.concat([start, ...separated, end]));
}

/** Sends JSON in UTF-8, without the work of `res.json` for each response. */
export function sendJsonBytes(res: JsonResponse, json: Buffer): void {
  // Only tests validate responses: the validator has then replaced `json`, and needs an object.
  if (Object.hasOwn(res, 'json')) return void res.json(JSON.parse(json.toString()));
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', json.length);
  res.end(json);
}
