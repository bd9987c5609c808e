import { type Request, type Response, Router } from 'express';
import type { paths } from '../generated/openapi.ts';
import type { Method } from './document.ts';

/** The documented paths that have an operation for the method. */
type PathWith<M extends Method> = { [P in keyof paths]: paths[P][M] extends object ? P : never }[keyof paths];

type OrEmpty<T> = [T] extends [undefined] ? Record<never, never> : NonNullable<T>;

/** Path parameters are always strings in Express, even if the document has another type. */
type PathParameters<Operation> = Operation extends { parameters: { path?: infer Found } }
  ? { [Name in keyof OrEmpty<Found>]: string }
  : never;

type QueryParameters<Operation> = Operation extends { parameters: { query?: infer Found } } ? OrEmpty<Found> : never;

/** A request without a body has the body `{}` (see `readBody`). */
type Body<Operation> = Operation extends { requestBody?: infer Found } ? ContentOf<Found> : undefined;

type ContentOf<T> = T extends { content: { 'application/json': infer Json } }
  ? Json
  : T extends { content: infer Content }
    ? Content[keyof Content]
    : undefined;

type Responses<Operation> = Operation extends { responses: infer Found } ? Found : never;
type Status<Operation> = keyof Responses<Operation> & number;
type ResponseBody<Operation, S extends number> =
  Responses<Operation> extends { [Documented in S]: infer Found } ? ContentOf<Found> : undefined;

/** A request after the pipeline has validated it: parameters and body have the types of the document. */
export type OperationRequest<Operation> = Request<
  PathParameters<Operation>,
  unknown,
  Body<Operation>,
  QueryParameters<Operation>
>;

/** A response that accepts only documented statuses, and for each status only the documented body. */
export interface OperationResponse<Operation> extends Omit<Response, 'json' | 'status'> {
  /** Sends a response with status 200. */
  json(body: ResponseBody<Operation, 200>): Response;
  status<S extends Status<Operation>>(status: S): Response<ResponseBody<Operation, S>>;
}

type Handler<Operation> = (req: OperationRequest<Operation>, res: OperationResponse<Operation>) => void | Promise<void>;

/** Adds routes for operations of openapi.yaml to an Express router. Path and method determine the types of the handler. */
export interface Routes {
  readonly router: Router;
  get<P extends PathWith<'get'>>(path: P, handler: Handler<paths[P]['get']>): void;
  post<P extends PathWith<'post'>>(path: P, handler: Handler<paths[P]['post']>): void;
  put<P extends PathWith<'put'>>(path: P, handler: Handler<paths[P]['put']>): void;
  patch<P extends PathWith<'patch'>>(path: P, handler: Handler<paths[P]['patch']>): void;
  delete<P extends PathWith<'delete'>>(path: P, handler: Handler<paths[P]['delete']>): void;
}

/** Returns `Routes` that add to `router`. */
export function createRoutes(router: Router = Router()): Routes {
  return {
    router,
    get<P extends PathWith<'get'>>(path: P, handler: Handler<paths[P]['get']>) {
      router.get(expressPath(path), (req: OperationRequest<paths[P]['get']>, res: Response) => handler(req, res));
    },
    post<P extends PathWith<'post'>>(path: P, handler: Handler<paths[P]['post']>) {
      router.post(expressPath(path), (req: OperationRequest<paths[P]['post']>, res: Response) => handler(req, res));
    },
    put<P extends PathWith<'put'>>(path: P, handler: Handler<paths[P]['put']>) {
      router.put(expressPath(path), (req: OperationRequest<paths[P]['put']>, res: Response) => handler(req, res));
    },
    patch<P extends PathWith<'patch'>>(path: P, handler: Handler<paths[P]['patch']>) {
      router.patch(expressPath(path), (req: OperationRequest<paths[P]['patch']>, res: Response) => handler(req, res));
    },
    delete<P extends PathWith<'delete'>>(path: P, handler: Handler<paths[P]['delete']>) {
      router.delete(expressPath(path), (req: OperationRequest<paths[P]['delete']>, res: Response) => handler(req, res));
    },
  };
}

/** Turns `/servers/{name}` into `/servers/:name`. */
const expressPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');
