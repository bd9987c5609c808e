/* Generated from openapi.yaml by `npm run generate`. Do not edit. */

export interface paths {
    "/servers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List your sessions
         * @description Returns the caller's sessions that match all given filters, ordered by name. Filters compare whole values;
         *     `project` and `namespace` ignore case, and `commit_sha` matches the full id of the commit or the name in the
         *     launch request.
         *
         *     With `Accept: text/event-stream` the response is a stream of server-sent events. The first event is a `snapshot`.
         *     Then each change of a session is sent: its state, its steps, the reason of a failure, its warnings and its usage.
         *
         *     | event | data | meaning |
         *     |---|---|---|
         *     | `snapshot` | `ServersGetResponse` | All sessions. They replace those that the client has. |
         *     | `session` | `NotebookResponse` | A new session, or the new state of a session. |
         *     | `deleted` | `SessionDeleted` | The session does not exist any more. |
         *     | `end` | `EventsEnd` | The stream is complete. Close the connection; after `shutdown` and `expired`, connect again. |
         *
         *     A client that reads slowly gets the newest state of each session, and no older ones. Comments keep an idle
         *     connection open. If the connection breaks, send the last id as `Last-Event-ID` (`EventSource` does this
         *     automatically). The stream then begins with the changes that the client does not have, also on another replica of
         *     the service, or with a new `snapshot`. A user can have 100 streams of events on a replica.
         */
        get: operations["listServers"];
        put?: never;
        /**
         * Launch a session, or find the existing one
         * @description A user has at most one session for a project, branch and commit. If it exists, the response is 200 with that
         *     session; nothing is created and the rest of the request is ignored. Otherwise the service checks project, branch,
         *     commit, image and resource class, and reports everything that is missing in one error.
         *
         *     The service resolves the commit with GitLab. After a new commit on `main`, a launch of `main` no longer finds the
         *     session of the previous commit; a launch with the id of that commit does. A full id together with a branch is
         *     looked up without a request to GitLab. Any other name, and the default branch if the request has no branch, is
         *     resolved first. If GitLab is unavailable, the response is the session that was launched with that name.
         *
         *     With `dry_run=true`, the service makes the same checks and creates nothing. The response is 200 with the session
         *     that a launch would create and all errors that it would have (`DryRunResponse`). An invalid body is 422.
         */
        post: operations["launchServer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        /** Show one of your sessions */
        get: operations["getServer"];
        put?: never;
        post?: never;
        /**
         * Stop a session
         * @description Responds immediately. The session is `stopping` until all its objects are deleted, including its volume.
         *
         *     If `savesOnStop` of the session's work is true (see `getWork`), the work that is not pushed is saved first, as an autosave in
         *     the repository. Meanwhile `status.message` has the progress. If the save fails, nothing is deleted: the session is hibernated,
         *     or keeps running if its files are not on a volume, and `status.message` has the reason. A second request then
         *     deletes the session with its work. Further requests while the work is being saved change nothing.
         *
         *     In all other cases, files and commits that are not pushed are lost.
         */
        delete: operations["stopServer"];
        options?: never;
        head?: never;
        /**
         * Hibernate or resume a session, or change its resource class
         * @description - `state: hibernated` saves the work that is not pushed, ends the pod and keeps the files. If the save fails, the response
         *       is 409 and the session runs on; with `force: true` it is hibernated anyway. Nothing is lost: the files are on
         *       the volume.
         *     - `state: running` starts a hibernated session again, with the same files and address, and with the tokens of this request. It also
         *       cancels a hibernation that has not begun.
         *     - `resource_class_id` changes the size of a hibernated or failed session.
         *
         *     A session that is in the requested state already does not change. If requests are sent at the same time, the last one determines the
         *     state.
         */
        patch: operations["changeServer"];
        trace?: never;
    };
    "/servers/{server_name}/work": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        /**
         * Show what is not saved in one of your sessions
         * @description Returns what would be lost if the files of the session were deleted now: changed and untracked files, commits, stashes and LFS
         *     objects that are not in the repository. The agent of the session answers, so the session must be running;
         *     otherwise `work` is null, and `unavailable` has the reason.
         */
        get: operations["getWork"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/save": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Save the work of a session in the repository
         * @description Starts an operation that saves everything that is not pushed as an autosave in the repository (see `listAutosaves`). The files,
         *     the branch and the index of the session do not change. Follow the operation at `servers/{server_name}/operations/{id}`.
         */
        post: operations["saveWork"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/operations": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        /**
         * List the operations of a session
         * @description Returns the last 50 operations, the newest first. The list is empty if the session has no agent or does not run.
         */
        get: operations["listOperations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/operations/{operation_id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
                /**
                 * @description The id of an operation.
                 * @example 1f0a7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                operation_id: string;
            };
            cookie?: never;
        };
        /**
         * Show or follow an operation
         * @description With `Accept: text/event-stream`, the response is a stream of server-sent events:
         *
         *     | event | data | meaning |
         *     |---|---|---|
         *     | `operation` | `Operation` | The operation, now and after each change. |
         *     | `end` | `EventsEnd` | The stream is complete: the operation has ended (`finished`), or see `followServer`. |
         */
        get: operations["getOperation"];
        put?: never;
        post?: never;
        /**
         * Cancel an operation
         * @description The repository is as before the operation. An operation that has ended does not change.
         */
        delete: operations["cancelOperation"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/restart": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Restart a failed session with its files
         * @description Replaces the pod of a session in the state `failed`. Name, address, commit, image and size do not change. The files
         *     on the session's volume are kept, including work that is not pushed. The user's credentials in the session are
         *     replaced by those of this request; the environment variables of the launch do not change.
         *
         *     The response does not wait for the new pod; its state is `starting`. Concurrent requests replace the pod once. A
         *     request within one minute of the restart gets the same response while the session is still `starting`. If the
         *     service was interrupted during a restart, the next request completes it.
         *
         *     In all other cases the response is 409 and nothing changes: the session has not failed, is hibernated or is being
         *     stopped, or its files would be lost because they are in the pod or the volume no longer exists. Stop such a
         *     session and launch it again; `launch` has the options of its launch.
         */
        post: operations["restartServer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        /**
         * List the access tokens of one of your sessions
         * @description Returns the tokens that have not expired, oldest first, without their secrets. A secret is returned only when its token is created.
         */
        get: operations["listAccessTokens"];
        put?: never;
        /**
         * Create an access token for one of your sessions
         * @description Creates a token with which a program can use this session: VS Code ("Existing Jupyter Server"), `jupyter_client`,
         *     papermill or `curl`. The token is valid for the Jupyter server of this session only, not for this API or other
         *     sessions. Send it as `?token=...`, `Authorization: token ...` or `Authorization: Bearer ...`, over HTTP or
         *     WebSockets. It is valid until it expires or is deleted, or until the session ends. A session can have 20 tokens.
         *
         *     If the platform's ingress does not support these tokens (`sessions.access_tokens.enabled` is off), the response
         *     for an anonymous session is 200 with the session's own token. For the session of a registered user it is 409;
         *     use an access token of the platform for such a session.
         */
        post: operations["createAccessToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/tokens/{token_id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
                /**
                 * @description The `id` of the token.
                 * @example 1f0a9c3b5d7e2a46
                 */
                token_id: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Delete an access token
         * @description Revokes the token and closes the WebSockets that were opened with it.
         */
        delete: operations["deleteAccessToken"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/events": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        /**
         * Follow the state of one of your sessions
         * @description Returns a stream of server-sent events: first the current state of the session, then each change of its state, its
         *     steps, the reason of a failure, its warnings and usage.
         *
         *     | event | data | meaning |
         *     |---|---|---|
         *     | `session` | `NotebookResponse` | The state of the session. |
         *     | `end` | `EventsEnd` | The stream is complete. Close the connection; after `shutdown` and `expired`, connect again. |
         *
         *     A client that reads slowly gets the newest state, and no older ones. If the connection breaks, send the last id as
         *     `Last-Event-ID` (`EventSource` does this automatically): the state is then sent only if it has changed. The events
         *     of all sessions are at `servers`, with the same header.
         */
        get: operations["followServer"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/logs/{server_name}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        /**
         * Read or follow the logs of one of your sessions
         * @description Returns the last lines of each container that has a log. Each line begins with its time.
         *
         *     With `follow=true` the response is a stream of server-sent events: first those lines in the order of their times,
         *     then each new line, until the session ends. Containers that start or restart later are included.
         *
         *     | event | data | meaning |
         *     |---|---|---|
         *     | (none) | `LogLine` | A line. |
         *     | `skipped` | `LogSkipped` | The client read too slowly, and lines were skipped. Request them with `since`. |
         *     | `container-error` | `LogContainerError` | The log of a container cannot be read now. The service retries; the other containers continue. |
         *     | `end` | `LogEnd` | The stream is complete. Close the connection; after `shutdown` and `expired`, connect again. |
         *
         *     Documentation pages that wait for the whole response cannot show a stream; the page `docs` of this service shows
         *     the events of the first three seconds.
         *
         *     Comments keep an idle connection open. If the connection breaks, send the last id as `Last-Event-ID`
         *     (`EventSource` does this automatically). The stream then continues after that line without repeating or losing
         *     lines, except those that the cluster has deleted. With `previous=true` the stream ends with the last line before
         *     the restart.
         */
        get: operations["getLogs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/{namespace_project}/autosave": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The path of a project with its groups, or its number in GitLab; slashes may be encoded as `%2F`.
                 * @example my-group/my-project
                 */
                namespace_project: components["parameters"]["namespaceProject"];
            };
            cookie?: never;
        };
        /**
         * List your autosaves of a project
         * @description On a cluster, the `git-rpc-server` container of renku-notebooks saves work that is not in a branch when a session
         *     ends. It pushes the work to the branch
         *     `renku/autosave/<user name>/<branch>/<commit of the launch>/<commit of the save>` (7 characters of each commit).
         *     The next session of that branch and commit restores it. On one machine (`npm start`), and without that container,
         *     nothing is saved when a session ends: push your work before. The list has only the caller's autosaves, newest
         *     first. Anonymous users have none.
         *
         *     After a launch, the service deletes autosaves of the same branch in the background if their commit is an ancestor
         *     of the launched commit.
         */
        get: operations["listAutosaves"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/{namespace_project}/autosave/{autosave_name}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The path of a project with its groups, or its number in GitLab; slashes may be encoded as `%2F`.
                 * @example my-group/my-project
                 */
                namespace_project: components["parameters"]["namespaceProject"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete one of your autosaves */
        delete: operations["deleteAutosave"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/images": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Check whether an image exists
         * @description Sends a request to the registry of the image; for the platform's own registry, with the caller's credentials. If the `Accept` header excludes JSON, the response has a status but no body. A caller may have 10 checks in progress, and all anonymous callers together 40.
         */
        get: operations["checkImage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the projects you can launch
         * @description Returns one page of at most 50 projects, ordered by last activity. Without a GitLab token, the page has public projects only.
         */
        get: operations["listProjects"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{namespace_project}/branches": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The path of a project with its groups, or its number in GitLab; slashes may be encoded as `%2F`.
                 * @example my-group/my-project
                 */
                namespace_project: components["parameters"]["namespaceProject"];
            };
            cookie?: never;
        };
        /**
         * List the branches of a project
         * @description Returns one page of at most 100 branches, ordered by name, including branches with autosaves.
         */
        get: operations["listBranches"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/projects/{namespace_project}/commits": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The path of a project with its groups, or its number in GitLab; slashes may be encoded as `%2F`.
                 * @example my-group/my-project
                 */
                namespace_project: components["parameters"]["namespaceProject"];
            };
            cookie?: never;
        };
        /**
         * List the commits of a branch
         * @description Returns one page of at most 20 commits, newest first.
         */
        get: operations["listCommits"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/resource_classes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the resource classes
         * @description Returns the resource classes (sizes of sessions) of all pools that the caller may use, in the platform's order. Use the `id` of a class as `resource_class_id` of a launch.
         */
        get: operations["listResourceClasses"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/server_options": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the options of a launch
         * @description Returns the options that the platform has configured. `resource_classes` lists the sizes.
         */
        get: operations["getServerOptions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/version": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show the version and the enabled features */
        get: operations["getVersion"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/spec.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Download this document */
        get: operations["getDocument"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show this document as a page
         * @description Swagger UI. The page loads all its files from this service.
         */
        get: operations["getDocs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check whether the process is alive */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Check whether the service is ready
         * @description The response is 503 until the service has listed all sessions, if every request to the Kubernetes API has failed for one minute, and while the service stops.
         */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show your sessions and projects as a page */
        get: operations["sessionsPage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/launch/{namespace}/{project}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Launch a session from a link
         * @description The page launches a session of this project, or finds the existing one, shows the steps, and opens JupyterLab when the session is ready. It waits for a click if the link is on a page of another site or has options.
         */
        get: operations["launchPage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description The options of a launch. */
        LaunchNotebookRequest: {
            /** @description The group and its subgroups, or the user; case is ignored. */
            namespace: string;
            /** @description The last part of the project's path; case is ignored. */
            project: string;
            /** @description By default, the project's default branch. */
            branch?: string;
            /** @description A name that GitLab resolves to a commit: a full id (40 digits, 64 in SHA-256 repositories), a short id, a tag, or a branch without a slash. The session has the commit that GitLab returns. */
            commit_sha: string;
            /**
             * @deprecated
             * @description No effect. Accepted because older clients send it.
             */
            notebook?: string | null;
            /** @description `[host[:port]/]path[:tag][@digest]`. By default, the image that the project built for the commit; if there is none, the platform's default image (with a warning). */
            image?: string | null;
            /**
             * Format: int32
             * @description By default, the platform's default class.
             */
            resource_class_id?: number | null;
            /**
             * Format: int32
             * @description The disk in gigabytes (10^9 bytes); by default, the default of the class.
             */
            storage?: number | null;
            /** @description True if the session fetches all Git LFS data when it starts; by default, the platform's default. */
            lfs_auto_fetch?: boolean;
            /** @description The path that the session opens; by default, the platform's default. */
            default_url?: string;
            /**
             * @description Environment variables of the session's processes. Names consist of letters, digits and underscores and do not begin with a digit. Names that the session sets itself are rejected.
             * @default {}
             */
            environment_variables: {
                [key: string]: string;
            };
            /**
             * @description The buckets to mount, if the platform offers cloud storage (see `version`); otherwise the list must be empty.
             * @default []
             */
            cloudstorage: components["schemas"]["RequestedCloudStorage"][];
            serverOptions?: components["schemas"]["ServerOptions"];
        };
        /** @description A bucket of S3 (with both keys, or without keys if it is public), or a container of Azure Blob (with `secret_key` only: the key of the account or a shared access signature). */
        RequestedCloudStorage: {
            endpoint: string;
            bucket: string;
            access_key?: string | null;
            /** Format: password */
            secret_key?: string | null;
        };
        /**
         * @deprecated
         * @description An older form of `resource_class_id` and `storage`. The service chooses the closest resource class.
         */
        ServerOptions: {
            defaultUrl?: string;
            /** @description Cores (`0.5`) or thousandths of a core (`500m`). */
            cpu_request?: number | string;
            /** @description Bytes, or a string with a unit such as `2G` (10^9) or `2Gi` (2^30). */
            mem_request?: number | string;
            /** @description Like `mem_request`. */
            disk_request?: number | string;
            /** Format: int32 */
            gpu_request?: number;
            lfs_auto_fetch?: boolean;
        };
        /** @description The filters of the list; all given filters must match. */
        ServersGetRequest: {
            project?: string;
            namespace?: string;
            branch?: string;
            commit_sha?: string;
        };
        ServersGetResponse: {
            /** @description The sessions by name. */
            servers: {
                [key: string]: components["schemas"]["NotebookResponse"];
            };
        };
        /** @description A session. */
        NotebookResponse: {
            /** @description The project, branch and commit of the session, under the names that clients use (`renku.io/...`). `renku.io/commit-sha` is the full id of the commit, `notebook-sessions.io/requested-ref` its name in the launch request. */
            annotations: {
                [key: string]: string;
            };
            name: string;
            state: {
                pod_name: string | null;
            };
            /**
             * Format: date-time
             * @description The time when the session was created.
             */
            started: string;
            status: components["schemas"]["SessionStatus"];
            /** @description The address of the session. It contains a credential if the session is anonymous; only the owner gets it. */
            url: string;
            resources: components["schemas"]["SessionResources"];
            image: string;
            launch: components["schemas"]["LaunchOptions"];
            /** @description The mounted buckets; only if the platform offers cloud storage. */
            cloudstorage?: {
                endpoint: string;
                bucket: string;
            }[];
        };
        /** @description The options of the launch, named as in `LaunchNotebookRequest`, for an identical new launch. Unknown options are omitted, for example in sessions of the original service. */
        LaunchOptions: {
            /** @description The image in the launch request; omitted if the request had none. */
            image?: string;
            resource_class_id?: number;
            /** @description Gigabytes. */
            storage?: number;
            default_url?: string;
            lfs_auto_fetch?: boolean;
            /** @description The names of the variables. The values can be read only inside the session. */
            environment_variables?: string[];
        };
        CreateAccessTokenRequest: {
            /**
             * @description A name by which you recognise the token.
             * @default
             */
            label: string;
            /**
             * Format: int32
             * @description Seconds until the token expires, at most 90 days; by default 7 days.
             * @default 604800
             */
            expires_in: number;
        };
        ChangeServerRequest: {
            /** @enum {string} */
            state?: "running" | "hibernated";
            resource_class_id?: number;
            /**
             * @description Hibernate the session also if its work cannot be saved in the repository.
             * @default false
             */
            force: boolean;
        };
        SessionWork: {
            /** @description Whether a stop of the session saves its work first. */
            savesOnStop: boolean;
            /** @description Why `work` is null. */
            unavailable: {
                /** @enum {string} */
                reason: "no-agent" | "no-key" | "not-running" | "hibernated" | "stopping";
                /** @description A sentence for the user. */
                message: string;
            } | null;
            work: components["schemas"]["Work"];
        };
        /** @description What the session has and the repository does not; null if unknown. */
        Work: {
            podUid: string;
            /** Format: date-time */
            checkedAt: string;
            /** @description null if HEAD is detached. */
            branch: string | null;
            /** @description Full id of HEAD; null if the branch has no commit. */
            commit: string | null;
            /** @description Whether nothing would be lost. */
            isClean: boolean;
            /** @description Whether the user may push to the repository. */
            canPush: boolean;
            /** @enum {string|null} */
            inProgress: "merge" | "rebase" | "cherry-pick" | "revert" | "bisect" | "am" | null;
            files: components["schemas"]["ChangedFiles"];
            /** @description Local branches, or a detached HEAD (name null), with commits that are not pushed. */
            branches: {
                name: string | null;
                commits: number;
            }[];
            stashes: number;
            /** @description LFS objects that are not uploaded. */
            lfs: {
                objects: number;
                bytes: number;
            };
            submodules: {
                path: string;
                files: components["schemas"]["ChangedFiles"];
                commits: number;
            }[];
            /** @description Remotes to which the session cannot push. */
            remotes: {
                name: string;
                reason: string;
            }[];
            notSavable: components["schemas"]["NotSavedFile"][];
            /** @description The last save. */
            savedAs: {
                branch: string;
                commit: string;
                location: components["schemas"]["SaveLocation"];
                /** Format: date-time */
                savedAt: string;
                /** @description Whether the save has everything that is there now. */
                isCurrent: boolean;
            } | null;
        } | null;
        /** @description Files with changes that are not committed, and untracked files. */
        ChangedFiles: {
            count: number;
            bytes: number;
            names: string[];
        };
        NotSavedFile: {
            path: string;
            bytes: number;
            /**
             * @description `filtered`: a filter of the repository protects the file, so it is kept on the volume only.
             * @enum {string}
             */
            reason: "ignored" | "nested-repository" | "special-file" | "unreadable" | "changing" | "too-large" | "filtered";
        };
        /**
         * @description `remote`: a branch of the repository. `volume`: a file on the session's volume. `none`: there was nothing to save.
         * @enum {string}
         */
        SaveLocation: "remote" | "volume" | "none";
        OperationList: {
            operations: components["schemas"]["Operation"][];
        };
        Operation: {
            id: string;
            /** @enum {string} */
            kind: "save";
            /** @description `user`, `stop`, `hibernate`, `cull` or `pre-stop`. */
            reason: string;
            /** @enum {string} */
            state: "waiting" | "running" | "succeeded" | "failed" | "cancelled";
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            finishedAt: string | null;
            progress: {
                /** @enum {string} */
                step: "waiting" | "stopping-kernels" | "scanning" | "collecting" | "pushing" | "verifying" | "done";
                /** @description Bytes or files of the step. */
                done: number;
                total: number | null;
            };
            result: {
                location: components["schemas"]["SaveLocation"];
                /** @description The autosave. */
                branch: string | null;
                commit: string | null;
                /** @description Whether the repository has everything. */
                isVerified: boolean;
                files: number;
                commits: number;
                changedMeanwhile: string[];
                notSaved: components["schemas"]["NotSavedFile"][];
            } | null;
            error: {
                reason: string;
                /** @description A sentence for the user: what failed, why, and what to do. */
                message: string;
            } | null;
        };
        AccessToken: {
            /** @description Null for the own token of an anonymous session. */
            id: string | null;
            label: string;
            /** Format: date-time */
            created: string;
            /**
             * Format: date-time
             * @description Null if the token is valid as long as the session exists.
             */
            expires: string | null;
        };
        AccessTokenList: {
            tokens: components["schemas"]["AccessToken"][];
        };
        AccessTokenResponse: {
            id: string | null;
            label: string;
            /** @description The secret. */
            token: string;
            /** @description The address of the session with the token, in the form that Jupyter clients accept. Also a secret. */
            url: string;
            /** Format: date-time */
            created: string;
            /** Format: date-time */
            expires: string | null;
        };
        /** @description The result that a launch would have, as `preview`, or the existing session, as `server`. Nothing was created. */
        DryRunResponse: {
            /** @enum {boolean} */
            dryRun: true;
            /** @description True if the session exists: a launch would return `server` without further checks. */
            exists: boolean;
            /** @description True if a launch with the same body would succeed now. */
            possible: boolean;
            preview?: components["schemas"]["LaunchPreview"];
            server?: components["schemas"]["NotebookResponse"];
            /** @description All errors of the launch; empty if it is possible. */
            problems: components["schemas"]["LaunchProblem"][];
        };
        /** @description The session that a launch would create. Unknown values are null. */
        LaunchPreview: {
            /** @description The name of the session. It differs in each request of a caller without a cookie. */
            name: string | null;
            project: string;
            branch: string | null;
            /** @description The full id of the commit, from GitLab. */
            commit_sha: string | null;
            image: string | null;
            resourceClass: {
                id: number;
                name: string;
            } | null;
            resources: {
                /** @description Cores. */
                cpu: number;
                /** @description Such as `1G` (10^9 bytes). */
                memory: string;
                storage: string;
                gpu?: number;
            } | null;
            default_url: string;
            lfs_auto_fetch: boolean;
            /** @description The names of the variables. */
            environment_variables: string[];
            /** @description The buckets that would be mounted. */
            cloudstorage: {
                endpoint: string;
                bucket: string;
            }[];
            /** @description Warnings about the launch. */
            warnings: string[];
        };
        /** @description An error that the launch would return, as in `ErrorResponse`. */
        LaunchProblem: {
            code: number;
            /** @description The HTTP status. */
            status: number;
            message: string;
            detail: string | null;
            fields: components["schemas"]["FieldError"][];
            /** @description Seconds to wait before a retry; null if a retry fails again. */
            retryAfterSeconds: number | null;
        };
        SessionStatus: {
            /** @enum {string} */
            state: "starting" | "running" | "stopping" | "failed" | "hibernated";
            /** @description Set in three states. `starting`: the current steps and their progress. `failed`: the reason and the solution. `hibernated`: how to resume the session. */
            message?: string | null;
            /** @description The steps of the start, in order. */
            details: components["schemas"]["SessionStep"][];
            totalNumContainers: number;
            readyNumContainers: number;
            /** @description Warnings for the owner, for example about packages of the project that could not be installed, with reason and solution. */
            warnings: components["schemas"]["SessionWarning"][];
            /** @description Only in the state `failed`: true if `POST servers/{name}/restart` can keep the files. The service does not check the volume itself. */
            restartable?: boolean;
        };
        SessionStep: {
            step: string;
            /** @enum {string} */
            status: "ready" | "waiting" | "executing" | "failed";
        };
        SessionWarning: {
            message: string;
            /** @description True if the session will end soon. */
            critical: boolean;
        };
        SessionResources: {
            /** @description The requested resources; unknown values are omitted. */
            requests: {
                /** @description Cores. */
                cpu?: number;
                /** @description Such as `1G` (10^9 bytes). */
                memory?: string;
                storage?: string;
                gpu?: number;
            };
            /** @description The current use; empty until it is known. */
            usage: {
                cpu?: number;
                memory?: string;
                storage?: string;
            };
        };
        /** @description The last lines of each container, by name. */
        ServerLogs: {
            [key: string]: string;
        };
        AutosavesList: {
            /** @description True if sessions have volumes that exist longer than their pods. */
            pvsSupport: boolean;
            autosaves: components["schemas"]["AutosaveResponse"][];
        };
        AutosaveResponse: {
            /** @description The branch of the launch. */
            branch: string;
            /** @description The first 7 characters of the commit of the launch. */
            commit: string;
            /**
             * @description Always false, because autosaves are branches and not volumes.
             * @enum {boolean}
             */
            pvs: false;
            /**
             * Format: date-time
             * @description The time of the save; null if GitLab does not return it.
             */
            date: string | null;
            /** @description The branch with the work. */
            name: string;
        };
        /** @description The data of an event without a name. */
        LogLine: {
            container: string;
            /** @description RFC 3339 with up to nine fractional digits; null for a message of the cluster about the log. */
            time: string | null;
            /** @description The line without its line break. Invalid UTF-8 is replaced. */
            line: string;
            /**
             * @description Set if the line is longer than 16 KiB; the rest is omitted.
             * @enum {boolean}
             */
            truncated?: true;
        };
        /** @description The data of a `skipped` event. */
        LogSkipped: {
            container: string;
            /** @description The number of skipped lines. */
            lines: number;
            /** @description The value of `since` that returns the skipped lines; null for the start of the log. */
            since: string | null;
        };
        /** @description The data of a `container-error` event. */
        LogContainerError: {
            container: string;
            message: string;
        };
        /** @description The data of an `end` event. */
        LogEnd: {
            /**
             * @description `deleted`: the session no longer exists, or you no longer have access to it. `complete`: the log before the restart was read to its end. `shutdown`: the service is being restarted; connect again. `expired`: the sign-in of the request has expired; connect again, and if the request is rejected, sign in again.
             * @enum {string}
             */
            reason: "deleted" | "complete" | "shutdown" | "expired";
            message: string;
        };
        /** @description The data of a `deleted` event. */
        SessionDeleted: {
            name: string;
        };
        /** @description The data of an `end` event in a stream of sessions. */
        EventsEnd: {
            /**
             * @description `deleted`: the session that the stream follows no longer exists, or you no longer have access to it. `shutdown`: the service is being restarted; connect again. `expired`: the sign-in of the request has expired; connect again, and if the request is rejected, sign in again.
             * @enum {string}
             */
            reason: "deleted" | "shutdown" | "expired";
            message: string;
        };
        ImageResponse: {
            /** @enum {boolean} */
            exists: true;
            /** @description True if the image requires the caller's credentials. */
            private: boolean;
            /** @description The platforms of the image, as `os/architecture` or `os/architecture/variant`; empty if the registry does not return them. */
            platforms: string[];
            /**
             * Format: int64
             * @description The size of the download in bytes (compressed) for the platform of a session; null if the registry does not return it.
             */
            size: number | null;
            /** @description The working directory of the image; null if the registry does not return it. */
            workingDir: string | null;
        };
        ImageMissingResponse: {
            /** @enum {boolean} */
            exists: false;
            /**
             * @description `not-found`: the registry does not have the image. `needs-login`: the registry does not give this caller access, or does not say whether the image exists. `unreachable`: the registry is unavailable, slow or overloaded; a retry may help. `invalid-answer`: the response is not a valid response of a registry. `address-refused`: the address of the registry, or of a redirect, is in a private network that the administrator has not allowed.
             * @enum {string}
             */
            reason: "not-found" | "needs-login" | "unreachable" | "invalid-answer" | "address-refused";
            error: components["schemas"]["ErrorDescription"];
        };
        ProjectsResponse: {
            projects: components["schemas"]["Project"][];
        };
        Project: {
            id: number;
            /** @description The path with the namespace. */
            path: string;
            name: string;
            description: string | null;
            default_branch: string | null;
            /** @enum {string} */
            visibility: "public" | "internal" | "private";
            web_url: string;
            last_activity_at: string | null;
        };
        BranchesResponse: {
            branches: components["schemas"]["Branch"][];
            /** @description The number of the next `page`; null on the last page. */
            next_page: number | null;
        };
        Branch: {
            name: string;
            /** @description The full id of the newest commit. */
            commit_sha: string;
            /** @description The time of the commit, in the format of GitLab. */
            committed_at: string | null;
        };
        CommitsResponse: {
            commits: components["schemas"]["Commit"][];
            /** @description The number of the next `page`; null on the last page. */
            next_page: number | null;
        };
        Commit: {
            /** @description The full id of the commit. */
            commit_sha: string;
            /** @description The first line of the commit message. */
            title: string;
            author_name: string | null;
            /** @description The time of the commit, in the format of GitLab. */
            committed_at: string | null;
        };
        ResourceClassesResponse: {
            resource_classes: components["schemas"]["OfferedResourceClass"][];
        };
        /** @description The resources of a session, in cores and gigabytes (10^9 bytes). */
        OfferedResourceClass: {
            id: number;
            name: string;
            /** @description The name of the pool. */
            pool: string;
            /** @description True if a launch without a class gets this class. */
            default: boolean;
            cpu: number;
            memory: number;
            gpu: number;
            default_storage: number;
            max_storage: number;
        };
        ServerOptionsResponse: {
            defaultUrl?: {
                /** @description The position among the options, from 1. */
                order: number;
                displayName: string;
                /** @enum {string} */
                type: "enum";
                default: string;
                options: string[];
            };
            lfs_auto_fetch?: {
                order: number;
                displayName: string;
                /** @enum {string} */
                type: "boolean";
                default: boolean;
            };
            /** @description The kinds of cloud storage that a session can mount. */
            cloudstorage: {
                s3: {
                    enabled: boolean;
                };
                azure_blob: {
                    enabled: boolean;
                };
            };
        };
        VersionResponse: {
            /** @description The name of the original service, which clients compare. */
            name: string;
            versions: {
                version: string;
                data: {
                    anonymousSessionsEnabled: boolean;
                    cloudstorageEnabled: {
                        s3: boolean;
                        azure_blob: boolean;
                    };
                    sshEnabled: boolean;
                };
            }[];
        };
        ReadinessResponse: {
            ready: boolean;
            dependencies: {
                name: string;
                ready: boolean;
                /** @description Whether the service is not ready while this dependency is not ready. */
                required: boolean;
                detail: string;
            }[];
        };
        ErrorResponse: {
            error: components["schemas"]["ErrorDescription"];
        };
        ErrorDescription: {
            /** @description What happened. */
            message: string;
            /** @description The cause and what to do. */
            detail: string | null;
            /** @description 1xxx: an error of the request; 2xxx: a bug or an invalid configuration of the service; 3xxx: a temporary failure. */
            code: number;
            /** @description Every invalid part of the request. */
            fields?: components["schemas"]["FieldError"][];
            requestId: string;
        };
        FieldError: {
            /** @description Such as `body.serverOptions.cpu_request` or `query.max_lines`. */
            path: string;
            message: string;
        };
    };
    responses: {
        /** @description The request cannot be read, for example because its JSON is broken. */
        BadRequest: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description The caller is not signed in, or the credentials are not valid. */
        Unauthenticated: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description The Accept header does not allow a content type of the response. */
        NotAcceptable: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description The request comes from a page of another site, or GitLab denies it to the caller's account and gives a reason. */
        Forbidden: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description The session does not exist, or it belongs to another user. */
        NoSuchServer: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description The project, branch, tag or commit does not exist, or the caller does not have access to it. */
        NoSuchProject: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description The project or the autosave does not exist, or the caller does not have access to it. */
        NoSuchAutosave: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description The body is larger than the limit. */
        BodyTooLarge: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description The content type of the body is not JSON. */
        UnsupportedMediaType: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description Parameters or parts of the body are invalid, or request something that the platform does not offer. `fields` lists each of them. */
        InvalidRequest: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description The caller has too many of these requests in progress. `Retry-After` says when to retry. */
        TooManyRequests: {
            headers: {
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description A server that the service needs is unavailable, or the service itself has an error. The message says which. */
        Failure: {
            headers: {
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description Any other error, for example an unsupported method (405), an unsupported `Accept` (406) or an unknown host name (421). */
        Other: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description An error as a page or, if the `Accept` header prefers it, as JSON. */
        OtherPage: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                /** @example <!doctype html> */
                "text/html": string;
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
    };
    parameters: {
        /**
         * @description The `name` of a session.
         * @example john-2edoe-my-2dproject-b54c96fb
         */
        serverName: string;
        /**
         * @description The path of a project with its groups, or its number in GitLab; slashes may be encoded as `%2F`.
         * @example my-group/my-project
         */
        namespaceProject: string;
        /** @description The last part of the project's path, such as `my-project`. */
        filterProject: string;
        /** @description The groups of the project, such as `my-group/my-subgroup`. */
        filterNamespace: string;
        /** @description The branch of the launch, such as `main`. */
        filterBranch: string;
        /** @description The full id of the commit, or the name in the launch request. */
        filterCommit: string;
        /** @description Continue a stream after this event. Clients must not interpret the id. An id that the service cannot use is ignored. */
        lastSessionEvent: string;
    };
    requestBodies: never;
    headers: {
        /**
         * @description The number of seconds to wait before a retry.
         * @example 5
         */
        RetryAfter: number;
    };
    pathItems: never;
}
export type LaunchNotebookRequest = components['schemas']['LaunchNotebookRequest'];
export type RequestedCloudStorage = components['schemas']['RequestedCloudStorage'];
export type ServerOptions = components['schemas']['ServerOptions'];
export type ServersGetRequest = components['schemas']['ServersGetRequest'];
export type ServersGetResponse = components['schemas']['ServersGetResponse'];
export type NotebookResponse = components['schemas']['NotebookResponse'];
export type LaunchOptions = components['schemas']['LaunchOptions'];
export type CreateAccessTokenRequest = components['schemas']['CreateAccessTokenRequest'];
export type ChangeServerRequest = components['schemas']['ChangeServerRequest'];
export type SessionWork = components['schemas']['SessionWork'];
export type Work = components['schemas']['Work'];
export type ChangedFiles = components['schemas']['ChangedFiles'];
export type NotSavedFile = components['schemas']['NotSavedFile'];
export type SaveLocation = components['schemas']['SaveLocation'];
export type OperationList = components['schemas']['OperationList'];
export type Operation = components['schemas']['Operation'];
export type AccessToken = components['schemas']['AccessToken'];
export type AccessTokenList = components['schemas']['AccessTokenList'];
export type AccessTokenResponse = components['schemas']['AccessTokenResponse'];
export type DryRunResponse = components['schemas']['DryRunResponse'];
export type LaunchPreview = components['schemas']['LaunchPreview'];
export type LaunchProblem = components['schemas']['LaunchProblem'];
export type SessionStatus = components['schemas']['SessionStatus'];
export type SessionStep = components['schemas']['SessionStep'];
export type SessionWarning = components['schemas']['SessionWarning'];
export type SessionResources = components['schemas']['SessionResources'];
export type ServerLogs = components['schemas']['ServerLogs'];
export type AutosavesList = components['schemas']['AutosavesList'];
export type AutosaveResponse = components['schemas']['AutosaveResponse'];
export type LogLine = components['schemas']['LogLine'];
export type LogSkipped = components['schemas']['LogSkipped'];
export type LogContainerError = components['schemas']['LogContainerError'];
export type LogEnd = components['schemas']['LogEnd'];
export type SessionDeleted = components['schemas']['SessionDeleted'];
export type EventsEnd = components['schemas']['EventsEnd'];
export type ImageResponse = components['schemas']['ImageResponse'];
export type ImageMissingResponse = components['schemas']['ImageMissingResponse'];
export type ProjectsResponse = components['schemas']['ProjectsResponse'];
export type Project = components['schemas']['Project'];
export type BranchesResponse = components['schemas']['BranchesResponse'];
export type Branch = components['schemas']['Branch'];
export type CommitsResponse = components['schemas']['CommitsResponse'];
export type Commit = components['schemas']['Commit'];
export type ResourceClassesResponse = components['schemas']['ResourceClassesResponse'];
export type OfferedResourceClass = components['schemas']['OfferedResourceClass'];
export type ServerOptionsResponse = components['schemas']['ServerOptionsResponse'];
export type VersionResponse = components['schemas']['VersionResponse'];
export type ReadinessResponse = components['schemas']['ReadinessResponse'];
export type ErrorResponse = components['schemas']['ErrorResponse'];
export type ErrorDescription = components['schemas']['ErrorDescription'];
export type FieldError = components['schemas']['FieldError'];
export type ResponseBadRequest = components['responses']['BadRequest'];
export type ResponseUnauthenticated = components['responses']['Unauthenticated'];
export type ResponseNotAcceptable = components['responses']['NotAcceptable'];
export type ResponseForbidden = components['responses']['Forbidden'];
export type ResponseNoSuchServer = components['responses']['NoSuchServer'];
export type ResponseNoSuchProject = components['responses']['NoSuchProject'];
export type ResponseNoSuchAutosave = components['responses']['NoSuchAutosave'];
export type ResponseBodyTooLarge = components['responses']['BodyTooLarge'];
export type ResponseUnsupportedMediaType = components['responses']['UnsupportedMediaType'];
export type ResponseInvalidRequest = components['responses']['InvalidRequest'];
export type ResponseTooManyRequests = components['responses']['TooManyRequests'];
export type ResponseFailure = components['responses']['Failure'];
export type ResponseOther = components['responses']['Other'];
export type ResponseOtherPage = components['responses']['OtherPage'];
export type ParameterServerName = components['parameters']['serverName'];
export type ParameterNamespaceProject = components['parameters']['namespaceProject'];
export type ParameterFilterProject = components['parameters']['filterProject'];
export type ParameterFilterNamespace = components['parameters']['filterNamespace'];
export type ParameterFilterBranch = components['parameters']['filterBranch'];
export type ParameterFilterCommit = components['parameters']['filterCommit'];
export type ParameterLastSessionEvent = components['parameters']['lastSessionEvent'];
export type HeaderRetryAfter = components['headers']['RetryAfter'];
export type $defs = Record<string, never>;
export interface operations {
    listServers: {
        parameters: {
            query?: {
                /** @description The last part of the project's path, such as `my-project`. */
                project?: components["parameters"]["filterProject"];
                /** @description The groups of the project, such as `my-group/my-subgroup`. */
                namespace?: components["parameters"]["filterNamespace"];
                /** @description The branch of the launch, such as `main`. */
                branch?: components["parameters"]["filterBranch"];
                /** @description The full id of the commit, or the name in the launch request. */
                commit_sha?: components["parameters"]["filterCommit"];
                /** @description Requires the stream of events: a request whose `Accept` header does not select `text/event-stream` is rejected with 406. */
                watch?: boolean;
            };
            header?: {
                /** @description Continue a stream after this event. Clients must not interpret the id. An id that the service cannot use is ignored. */
                "Last-Event-ID"?: components["parameters"]["lastSessionEvent"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The sessions; an empty object if there are none. With `Accept` of `text/event-stream` a stream of events. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServersGetResponse"];
                    "text/event-stream": string;
                };
            };
            401: components["responses"]["Unauthenticated"];
            406: components["responses"]["NotAcceptable"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    launchServer: {
        parameters: {
            query?: {
                /** @description Return what a launch would create and which errors it would have, without creating anything. */
                dry_run?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LaunchNotebookRequest"];
            };
        };
        responses: {
            /** @description The session existed; or, with `dry_run`, the result that a launch would have. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotebookResponse"] | components["schemas"]["DryRunResponse"];
                };
            };
            /** @description The session was created. `status.warnings` may have warnings about it. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotebookResponse"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description A resource that the session needs does not exist, or the caller does not have access to it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The previous session with this name is still being deleted. `Retry-After` says when to retry. */
            409: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    getServer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The current state of the session. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotebookResponse"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            404: components["responses"]["NoSuchServer"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    stopServer: {
        parameters: {
            query?: {
                /** @description Delete at once, without a save and without the pod's grace period. */
                forced?: boolean;
                /** @description With `false`, delete without saving first. */
                save?: boolean;
            };
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session is being stopped. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchServer"];
            /**
             * @description The work could not be saved. Only where another operator than that of this project runs the sessions, which cannot save it
             *     after the response. A second request deletes the session.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    changeServer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangeServerRequest"];
            };
        };
        responses: {
            /** @description The session. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotebookResponse"];
                };
            };
            /** @description The work of the session is still being saved. The session is `stopping`, and is hibernated after that. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotebookResponse"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchServer"];
            /** @description The work could not be saved, or the session is being stopped. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    getWork: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The work, or the reason why it is not known. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionWork"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            404: components["responses"]["NoSuchServer"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    saveWork: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The operation. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchServer"];
            /** @description The session has no agent, does not run, or has no repository. `message` gives the reason. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    listOperations: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The operations. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationList"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            404: components["responses"]["NoSuchServer"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    getOperation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
                /**
                 * @description The id of an operation.
                 * @example 1f0a7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                operation_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The operation. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                    "text/event-stream": string;
                };
            };
            401: components["responses"]["Unauthenticated"];
            /** @description The session or the operation does not exist, or the session is not yours. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    cancelOperation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
                /**
                 * @description The id of an operation.
                 * @example 1f0a7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                operation_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The operation. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            /** @description The session or the operation does not exist, or the session is not yours. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The session is deleted or hibernated after this save. A hibernation can be cancelled with `PATCH` and the state `running`. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    restartServer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The pod is being replaced. The session, in the state `starting`. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotebookResponse"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchServer"];
            /** @description The session cannot be restarted in its current state. `message` gives the reason and `detail` the solution. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    listAccessTokens: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The tokens. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccessTokenList"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            404: components["responses"]["NoSuchServer"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    createAccessToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["CreateAccessTokenRequest"];
            };
        };
        responses: {
            /** @description The session's own token, which does not expire. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccessTokenResponse"];
                };
            };
            /** @description The token. Store the secret; it is not returned again. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccessTokenResponse"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchServer"];
            /** @description The session cannot have another token. `message` gives the reason and `detail` the solution. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    deleteAccessToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
                /**
                 * @description The `id` of the token.
                 * @example 1f0a9c3b5d7e2a46
                 */
                token_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The token is deleted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchServer"];
            /** @description The session is being stopped. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    followServer: {
        parameters: {
            query?: never;
            header?: {
                /** @description Continue a stream after this event. Clients must not interpret the id. An id that the service cannot use is ignored. */
                "Last-Event-ID"?: components["parameters"]["lastSessionEvent"];
            };
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A stream of events. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            401: components["responses"]["Unauthenticated"];
            404: components["responses"]["NoSuchServer"];
            406: components["responses"]["NotAcceptable"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    getLogs: {
        parameters: {
            query?: {
                /** @description The number of lines per container, counted from the end. With `follow=true`, the stream begins with these lines; 0 returns only new lines. */
                max_lines?: number;
                /** @description Continue with new lines as a stream of events. */
                follow?: boolean;
                /** @description Only this container. For an unknown container the response is 422 with a list of the containers. */
                container?: string;
                /** @description The log before the last restart of the container. */
                previous?: boolean;
                /** @description Only lines from this time on (RFC 3339), or from this number of seconds ago. `max_lines` applies, too. */
                since?: string;
            };
            header?: {
                /** @description Continue after this event. `max_lines` and `since` are ignored. */
                "Last-Event-ID"?: string;
            };
            path: {
                /**
                 * @description The `name` of a session.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The log of each container by name; with `follow=true` a stream of events. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServerLogs"];
                    "text/event-stream": string;
                };
            };
            401: components["responses"]["Unauthenticated"];
            404: components["responses"]["NoSuchServer"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    listAutosaves: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The path of a project with its groups, or its number in GitLab; slashes may be encoded as `%2F`.
                 * @example my-group/my-project
                 */
                namespace_project: components["parameters"]["namespaceProject"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The autosaves. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AutosavesList"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchAutosave"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    deleteAutosave: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description The path of a project with its groups, or its number in GitLab; slashes may be encoded as `%2F`.
                 * @example my-group/my-project
                 */
                namespace_project: components["parameters"]["namespaceProject"];
                /**
                 * @description The `name` of the autosave; slashes may be encoded as `%2F`.
                 * @example renku/autosave/john.doe/main/0123456/abcdef0
                 */
                autosave_name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The autosave is deleted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthenticated"];
            /** @description GitLab does not allow the caller to delete the autosave, or the request comes from a page of another site. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            404: components["responses"]["NoSuchAutosave"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    checkImage: {
        parameters: {
            query: {
                /**
                 * @description `[host[:port]/]path[:tag][@digest]`
                 * @example registry.example.org/my-group/my-project:1a2b3c4
                 */
                image_url: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The image exists and the caller may use it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageResponse"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            /** @description The image does not exist, the caller does not have access, or it could not be checked; `reason` says which. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageMissingResponse"];
                };
            };
            422: components["responses"]["InvalidRequest"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    listProjects: {
        parameters: {
            query?: {
                /** @description A part of the project's name; if it has a slash, a part of the path. */
                search?: string;
                page?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The projects. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectsResponse"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    listBranches: {
        parameters: {
            query?: {
                /** @description A part of the branch's name; case is ignored. */
                search?: string;
                page?: number;
            };
            header?: never;
            path: {
                /**
                 * @description The path of a project with its groups, or its number in GitLab; slashes may be encoded as `%2F`.
                 * @example my-group/my-project
                 */
                namespace_project: components["parameters"]["namespaceProject"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The branches. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BranchesResponse"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            404: components["responses"]["NoSuchProject"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    listCommits: {
        parameters: {
            query?: {
                /** @description A branch, tag or commit; by default, the default branch. */
                ref?: string;
                page?: number;
            };
            header?: never;
            path: {
                /**
                 * @description The path of a project with its groups, or its number in GitLab; slashes may be encoded as `%2F`.
                 * @example my-group/my-project
                 */
                namespace_project: components["parameters"]["namespaceProject"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The commits. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CommitsResponse"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            404: components["responses"]["NoSuchProject"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    listResourceClasses: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The classes. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ResourceClassesResponse"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    getServerOptions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The options; options that are not configured are omitted. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServerOptionsResponse"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            default: components["responses"]["Other"];
        };
    };
    getVersion: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The version of the service and its enabled features. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VersionResponse"];
                };
            };
            default: components["responses"]["Other"];
        };
    };
    getDocument: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description An OpenAPI 3.0.3 document. Its paths include the configured prefix; its servers are `/api` and `/ui-server/api`, as in the gateway of a platform, and `/`, this service itself. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            default: components["responses"]["Other"];
        };
    };
    getDocs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /** @example <!doctype html> */
                    "text/html": string;
                };
            };
            /** @description A redirect to the same address with a slash at the end, so that the page finds its files. */
            308: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Other"];
        };
    };
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The process is alive. The text names the configured prefix. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /** @example Notebook Sessions is running under the prefix /notebooks. */
                    "text/html": string;
                };
            };
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The service is ready. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReadinessResponse"];
                };
            };
            /** @description The service is not ready because a dependency is unavailable, or because the service stops. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReadinessResponse"];
                };
            };
        };
    };
    sessionsPage: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /** @example <!doctype html> */
                    "text/html": string;
                };
            };
            default: components["responses"]["OtherPage"];
        };
    };
    launchPage: {
        parameters: {
            query?: {
                /** @description A branch, tag or commit; by default, the default branch. */
                ref?: string;
                /** @description The branch of the session if `ref` is a commit or a tag; by default, the default branch. */
                branch?: string;
                /** @description Show the options and wait for a click. */
                configure?: boolean;
                /** @description This parameter and the following ones preset the options of `LaunchNotebookRequest`. With any of them, the page waits for a click. */
                image?: string;
                resource_class_id?: number;
                storage?: number;
                lfs_auto_fetch?: boolean;
                default_url?: string;
            };
            header?: never;
            path: {
                /**
                 * @description The group and its subgroups; slashes may be encoded as `%2F`.
                 * @example my-group
                 */
                namespace: string;
                /** @example my-project */
                project: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /** @example <!doctype html> */
                    "text/html": string;
                };
            };
            default: components["responses"]["OtherPage"];
        };
    };
}
