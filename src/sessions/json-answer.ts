import type { Response } from 'express';

/** Answers with what is JSON already, in UTF-8. */
export function answerJson(res: Response, json: Buffer): void {
  // What holds answers against the document (in tests only) has put itself before `json`, and looks at objects.
  if (Object.hasOwn(res, 'json')) return void res.json(JSON.parse(json.toString()));
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', json.length);
  res.end(json);
}
