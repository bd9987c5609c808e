import type { Request, Response, Router } from 'express';
import type { LaunchConfig } from '../config/types.ts';
import type { ServersGetRequest } from '../generated/openapi.ts';
import { annotation } from '../jupyter-server/labels.ts';
import type { Session } from '../jupyter-server/session.ts';
import { notAcceptable } from '../pipeline/event-stream.ts';
import { createRoutes } from '../pipeline/route.ts';
import { contextOf } from '../request-context.ts';
import type { Change } from './change/change.ts';
import type { Restart } from './change/restart.ts';
import type { Stop } from './change/stop.ts';
import type { DryRun } from './launch/dry-run.ts';
import type { Launch } from './launch/launch.ts';
import { launchRequest, projectPath } from './launch/launch-request.ts';
import type { Presenter } from './presentation/presenter.ts';
import type { SessionStore } from './read/store.ts';
import { sendJsonBytes, sendSessionList } from './send-json.ts';

export interface SessionRouteParts {
  readonly store: SessionStore;
  readonly launch: Launch;
  readonly dryRun: DryRun;
  readonly restart: Restart;
  readonly stop: Stop;
  readonly change: Change;
  readonly present: Presenter;
  /** Sends the events of the caller's sessions for which `isWanted` returns true. */
  readonly follow: (
    res: Response,
    isWanted: (session: Session) => boolean,
    lastEventId: string | undefined,
  ) => Promise<void>;
  readonly config: LaunchConfig;
}

const eventStream = 'text/event-stream';

/** `/servers`. */
export function sessionRoutes({
  store,
  launch,
  dryRun,
  restart,
  stop,
  change,
  present,
  follow,
  config,
}: SessionRouteParts): Router {
  const routes = createRoutes();

  routes.get('/servers', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const isWanted = matching(req.query);
    if (isFollowed(req, req.query.watch)) return await follow(res, isWanted, req.get('Last-Event-ID'));
    const own = await store.list(identity, deadline);
    sendSessionList(res, own.filter(isWanted).map(present.member));
  });

  routes.post('/servers', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const request = launchRequest(req.body, config);
    if (req.query.dry_run === true) {
      // A dry run does not sign an anonymous caller in.
      res.removeHeader('Set-Cookie');
      res.json(await dryRun(identity, request, deadline));
      return;
    }
    const { session, isNew } = await launch(identity, request, deadline);
    res.status(isNew ? 201 : 200).json(present(session));
  });

  routes.get('/servers/{server_name}', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    sendJsonBytes(res, present.bytes(await store.get(identity, req.params.server_name, deadline)));
  });

  routes.post('/servers/{server_name}/restart', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    res.status(202).json(present(await restart(identity, req.params.server_name, deadline)));
  });

  routes.delete('/servers/{server_name}', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const name = req.params.server_name;
    const { forced, save } = req.query;
    const first = save === undefined ? 'unless-failed' : save ? 'always' : 'never';
    await stop(identity, name, { isForced: forced === true, save: first }, deadline);
    res.status(204).end();
  });

  routes.patch('/servers/{server_name}', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const { state, resource_class_id: classId, force = false } = req.body;
    const request = { state, classId, isForced: force };
    const { session, isSaving } = await change(identity, req.params.server_name, request, deadline);
    res.status(isSaving ? 202 : 200).json(present(session));
  });

  return routes.router;
}

/** Returns whether the caller prefers a stream of events. Throws ApiError 406 if `watch` requires one. */
function isFollowed(req: Pick<Request, 'accepts' | 'headers'>, watch = false): boolean {
  // Most requests do not name the type, and need no comparison.
  const isNamed = req.headers.accept?.includes(eventStream) === true;
  if (isNamed && req.accepts(['application/json', eventStream]) === eventStream) return true;
  if (!watch) return false;
  throw notAcceptable(eventStream, `With watch=true the response is a stream of events. Send Accept: ${eventStream}.`);
}

/**
 * Returns whether a session matches every given filter. With both `namespace` and `project`, their joined paths are
 * compared, so that `a/b` + `c` equals `a` + `b/c`.
 */
function matching(query: ServersGetRequest): (session: Session) => boolean {
  if (Object.keys(query).length === 0) return () => true;
  const path = query.namespace && query.project ? projectPath(query.namespace, query.project)?.path : undefined;
  const equal = (wanted: string | undefined, found: string | undefined): boolean =>
    wanted === undefined || wanted === found;
  return ({ project, branch, commit, annotations }) => {
    const isOfProject =
      path === undefined
        ? equal(query.namespace?.toLowerCase(), project.namespace.toLowerCase()) &&
          equal(query.project?.toLowerCase(), project.name.toLowerCase())
        : path === projectPath(project.namespace, project.name)?.path;
    return (
      isOfProject &&
      equal(query.branch, branch) &&
      (equal(query.commit_sha, annotations[annotation.commitSha]) || equal(query.commit_sha, commit.requested))
    );
  };
}
