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
         * @description Every session of the caller that matches all given filters, by name. Filters compare for equality; `project` and `namespace` without regard to case, `commit_sha` with the full id of the commit and with the name that the launch gave it.
         */
        get: operations["listServers"];
        put?: never;
        /**
         * Launch a session, or find the one that is there
         * @description There is at most one session of a user for a project, branch and commit. If it exists, it is answered with 200 and
         *     nothing is made; the rest of the request is not looked at. Otherwise project, branch, commit, image and resource
         *     class are checked, and whatever is missing is reported together.
         *
         *     The commit is the one that GitLab resolves: a session that was launched as `main` is not found any more after a
         *     new commit on `main`, and is found by the id of its commit. A full id with a branch is looked up without asking
         *     GitLab. Any other name, and the default branch where none is named, is resolved first; if GitLab does not answer,
         *     the session that was launched by that name is the answer.
         *
         *     With `dry_run=true` the same is checked and nothing is made: the answer is 200 with what a launch would make and
         *     everything that stands in its way (`DryRunResponse`). A body that is not as documented is 422 then, too.
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
                 * @description A session's `name`.
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
         * @description Answers at once; the session is `stopping` until everything of it is gone, its volume included: files and commits that were not pushed are lost. Only where the session's containers make autosaves (see `listAutosaves`) is the work of a registered user pushed before.
         */
        delete: operations["stopServer"];
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
                 * @description A session's `name`.
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
         * @description Replaces the pod of a session whose state is `failed`. Name, address, commit, image and size stay, and so does
         *     everything on the session's volume, work that was not pushed included. The user's credentials in the session are
         *     renewed from this request; the environment variables of the launch stay as they are.
         *
         *     The answer comes before the new pod runs: its state is `starting`. Callers that race replace the pod once, and a
         *     call within a minute of the restart that finds the session still `starting` gets the same answer. A call after the
         *     service was interrupted in the middle of a restart completes it.
         *
         *     Everything else is 409 and changes nothing: a session that has not failed, one that is hibernated or being
         *     stopped, and one whose files would not be there afterwards, because they are in its pod or its volume is lost.
         *     Such a session can be stopped and launched anew; `launch` has the options of its launch.
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
                 * @description A session's `name`.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        /**
         * List the access tokens of one of your sessions
         * @description Those that have not expired, the oldest first. The tokens themselves are told when they are made, and never again.
         */
        get: operations["listAccessTokens"];
        put?: never;
        /**
         * Let a program into one of your sessions
         * @description Makes a token for this one session: for VS Code ("Existing Jupyter Server"), `jupyter_client`, papermill or `curl`.
         *     It opens the session's Jupyter server and nothing else: not this API, and no other session. It works as
         *     `?token=...`, as `Authorization: token ...` and as `Authorization: Bearer ...`, for HTTP and WebSockets, until it
         *     expires, is deleted, or the session ends. A session has at most 20.
         *
         *     Where the platform's ingress knows no such tokens (`sessions.access_tokens.enabled` is off), an anonymous session
         *     answers 200 with the token that it has, and the session of a registered user 409: it is opened with an access
         *     token of the platform.
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
                 * @description A session's `name`.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
                /**
                 * @description The token's `id`.
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
         * @description It opens nothing any more, and the WebSockets that it opened are closed.
         */
        delete: operations["deleteAccessToken"];
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
                 * @description A session's `name`.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        /**
         * Read or follow the logs of one of your sessions
         * @description The last lines of each container that has written something, each line with the time of its writing before it.
         *
         *     With `follow=true` the answer is a stream of server-sent events: those lines, the older one first, and then each
         *     line as it is written, until the session ends. Containers that begin later or are started again are part of it.
         *
         *     | event | data | meaning |
         *     |---|---|---|
         *     | (none) | `LogLine` | A line. |
         *     | `skipped` | `LogSkipped` | You read more slowly than is written, and lines were left out here. Ask for them with `since`. |
         *     | `container-error` | `LogContainerError` | A container cannot be read at the moment. It is tried again; the others go on. |
         *     | `end` | `LogEnd` | Nothing more comes. Close the connection; after `shutdown`, connect again. |
         *
         *     A page of documentation that reads whole answers shows how the stream begins, or nothing until it ends: the page
         *     `docs` of this service shows what comes within three seconds.
         *
         *     Comments keep a quiet connection alive. When it breaks, send the last id as `Last-Event-ID`, as `EventSource`
         *     does by itself: the stream goes on after that line, with no line twice and none left out that is still there.
         *     With `previous=true` the stream ends after what was written before the restart.
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
                 * @description Path of a project, with its groups, or its number in GitLab; slashes raw or as `%2F`.
                 * @example my-group/my-project
                 */
                namespace_project: components["parameters"]["namespaceProject"];
            };
            cookie?: never;
        };
        /**
         * List your autosaves of a project
         * @description On a cluster whose sessions run the `git-rpc-server` container of renku-notebooks, a session that ends with work
         *     which is in no branch pushes it to a branch of its own,
         *     `renku/autosave/<user name>/<branch>/<commit launched from>/<commit when saved>` (7 characters of each commit).
         *     The next session of that branch and commit brings it back. On one machine (`npm start`), and without that
         *     container, nothing is saved when a session ends: push what must stay. Newest first; only the caller's own.
         *     Anonymous users have none.
         *
         *     After a launch, autosaves of the same branch whose commit is an ancestor of the launched one are deleted in the
         *     background.
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
                 * @description Path of a project, with its groups, or its number in GitLab; slashes raw or as `%2F`.
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
         * Does an image exist?
         * @description Asks the image's registry, for images of the platform's own registry with the caller's credentials. A caller whose `Accept` rules JSON out gets the status without a body. A caller may have 10 checks in progress, all anonymous callers together 40.
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
         * @description One page of at most 50, last active first. Without a GitLab token these are public projects.
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
                 * @description Path of a project, with its groups, or its number in GitLab; slashes raw or as `%2F`.
                 * @example my-group/my-project
                 */
                namespace_project: components["parameters"]["namespaceProject"];
            };
            cookie?: never;
        };
        /**
         * List the branches of a project
         * @description One page of at most 100, by name. Branches that hold autosaves are among them.
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
                 * @description Path of a project, with its groups, or its number in GitLab; slashes raw or as `%2F`.
                 * @example my-group/my-project
                 */
                namespace_project: components["parameters"]["namespaceProject"];
            };
            cookie?: never;
        };
        /**
         * List the commits of a branch
         * @description One page of at most 20, newest first.
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
         * List the sizes you can choose
         * @description The resource classes of all pools that the caller may use, in the platform's order. A launch takes the `id` of one as `resource_class_id`.
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
         * What a launch form offers
         * @description The choices that the platform has configured. Sizes are not among them: `resource_classes` lists them.
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
        /** Version and switches */
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
        /** This document */
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
         * This document as a page
         * @description Swagger UI; everything it loads comes from this service.
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
        /** Is the process alive? */
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
         * Can it answer requests?
         * @description 503 until all sessions are known, when the Kubernetes API has not answered, or only with errors, for a minute, and when the service is being stopped.
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
        /** Your sessions and projects, as a page */
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
         * A link that launches a session
         * @description A page that launches the session of this project, or finds it, shows its steps in words and goes to JupyterLab when it is ready. It waits for a click when a page of another site led there, or when the address names options.
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
        /** @description What to launch. */
        LaunchNotebookRequest: {
            /** @description Group and subgroups, or user; without regard to case. */
            namespace: string;
            /** @description The last part of the project's path; without regard to case. */
            project: string;
            /** @description The project's default branch where it is left out. */
            branch?: string;
            /** @description Any name of a commit that GitLab resolves: a full id (40 digits, 64 in SHA-256 repositories) or a short one, a tag, a branch without a slash. The session is about the commit that GitLab resolves it to. */
            commit_sha: string;
            /**
             * @deprecated
             * @description Accepted for older clients; has no effect.
             */
            notebook?: string | null;
            /** @description `[host[:port]/]path[:tag][@digest]`. Where it is left out, the image that the project built for the commit is used, and the platform's default image where there is none (a warning says so). */
            image?: string | null;
            /**
             * Format: int32
             * @description The platform's default class where it is left out.
             */
            resource_class_id?: number | null;
            /**
             * Format: int32
             * @description Gigabytes (10^9 bytes) of disk; the class's default where it is left out.
             */
            storage?: number | null;
            /** @description Fetch all Git LFS data at the start. The platform's default where it is left out. */
            lfs_auto_fetch?: boolean;
            /** @description What the session opens with. The platform's default where it is left out. */
            default_url?: string;
            /**
             * @description Variables of the session's processes. Names are letters, digits and underscores and do not begin with a digit; those that the session sets itself are refused.
             * @default {}
             */
            environment_variables: {
                [key: string]: string;
            };
            /**
             * @description Buckets to mount, where the platform offers it (see `version`); otherwise only an empty list is accepted.
             * @default []
             */
            cloudstorage: components["schemas"]["RequestedCloudStorage"][];
            serverOptions?: components["schemas"]["ServerOptions"];
        };
        /** @description A bucket of S3 (both keys, or neither for a public one), or a container of Azure Blob (only `secret_key`: the account's key or a shared access signature). */
        RequestedCloudStorage: {
            endpoint: string;
            bucket: string;
            access_key?: string | null;
            /** Format: password */
            secret_key?: string | null;
        };
        /**
         * @deprecated
         * @description Older way to ask for resources; the closest resource class is taken. Use `resource_class_id` and `storage`.
         */
        ServerOptions: {
            defaultUrl?: string;
            /** @description Cores (`0.5`) or thousandths of one (`500m`). */
            cpu_request?: number | string;
            /** @description Bytes, or a text with a unit such as `2G` (10^9) or `2Gi` (2^30). */
            mem_request?: number | string;
            /** @description As `mem_request`. */
            disk_request?: number | string;
            /** Format: int32 */
            gpu_request?: number;
            lfs_auto_fetch?: boolean;
        };
        /** @description Filters of the list; all given ones must match. */
        ServersGetRequest: {
            project?: string;
            namespace?: string;
            branch?: string;
            commit_sha?: string;
        };
        ServersGetResponse: {
            /** @description Session by name. */
            servers: {
                [key: string]: components["schemas"]["NotebookResponse"];
            };
        };
        /** @description A session. */
        NotebookResponse: {
            /** @description What the session is for, under the names that clients know (`renku.io/...`). `renku.io/commit-sha` is the full id of the commit, `notebook-sessions.io/requested-ref` the name of it that the launch asked for. */
            annotations: {
                [key: string]: string;
            };
            name: string;
            state: {
                pod_name: string | null;
            };
            /**
             * Format: date-time
             * @description When the session was made.
             */
            started: string;
            status: components["schemas"]["SessionStatus"];
            /** @description Where the session is opened. Holds a credential if the session is anonymous; only its owner sees it. */
            url: string;
            resources: components["schemas"]["SessionResources"];
            image: string;
            launch: components["schemas"]["LaunchOptions"];
            /** @description The buckets that are mounted; only where the platform offers it. */
            cloudstorage?: {
                endpoint: string;
                bucket: string;
            }[];
        };
        /** @description The options that the session was launched with, under the names of `LaunchNotebookRequest`, to launch the same anew. What the session does not say is left out, as in sessions of the original service. */
        LaunchOptions: {
            /** @description As the launch named it; left out if it named none. */
            image?: string;
            resource_class_id?: number;
            /** @description Gigabytes. */
            storage?: number;
            default_url?: string;
            lfs_auto_fetch?: boolean;
            /** @description The names of the variables. Their values can be read in the session alone. */
            environment_variables?: string[];
        };
        CreateAccessTokenRequest: {
            /**
             * @description What you want to recognise it by.
             * @default
             */
            label: string;
            /**
             * Format: int32
             * @description Seconds until it expires, at most 90 days; 7 days unless given.
             * @default 604800
             */
            expires_in: number;
        };
        AccessToken: {
            /** @description Null for the token that an anonymous session has by itself. */
            id: string | null;
            label: string;
            /** Format: date-time */
            created: string;
            /**
             * Format: date-time
             * @description Null where it lives as long as the session.
             */
            expires: string | null;
        };
        AccessTokenList: {
            tokens: components["schemas"]["AccessToken"][];
        };
        AccessTokenResponse: {
            id: string | null;
            label: string;
            /** @description A secret. */
            token: string;
            /** @description The address of the session with the token in it, as programs for Jupyter servers take it. A secret, too. */
            url: string;
            /** Format: date-time */
            created: string;
            /** Format: date-time */
            expires: string | null;
        };
        /** @description What a launch would do, `preview`, or, if the session exists, the session, `server`. Nothing was made. */
        DryRunResponse: {
            /** @enum {boolean} */
            dryRun: true;
            /** @description The session is there: a launch would answer with `server` and look at nothing else. */
            exists: boolean;
            /** @description A launch with the same body would succeed as things are. */
            possible: boolean;
            preview?: components["schemas"]["LaunchPreview"];
            server?: components["schemas"]["NotebookResponse"];
            /** @description Everything that stands in the way; empty if the launch is possible. */
            problems: components["schemas"]["LaunchProblem"][];
        };
        /** @description What a launch would make. What could not be found out is null. */
        LaunchPreview: {
            /** @description Of the session. A caller without a cookie gets another one with each request. */
            name: string | null;
            project: string;
            branch: string | null;
            /** @description The full id, as GitLab resolves it. */
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
            /** @description Their names. */
            environment_variables: string[];
            /** @description The buckets that would be mounted. */
            cloudstorage: {
                endpoint: string;
                bucket: string;
            }[];
            /** @description What works and may not be what was meant. */
            warnings: string[];
        };
        /** @description What the launch would be refused with, as in `ErrorResponse`. */
        LaunchProblem: {
            code: number;
            /** @description Of HTTP. */
            status: number;
            message: string;
            detail: string | null;
            fields: components["schemas"]["FieldError"][];
            /** @description When trying again makes sense; null if it does not. */
            retryAfterSeconds: number | null;
        };
        SessionStatus: {
            /** @enum {string} */
            state: "starting" | "running" | "stopping" | "failed" | "hibernated";
            /** @description Only while starting (what is being waited for, and how far it is), when failed (why, and what to do) and when hibernated (how the session is resumed). */
            message?: string | null;
            /** @description The steps of the start, in order. */
            details: components["schemas"]["SessionStep"][];
            totalNumContainers: number;
            readyNumContainers: number;
            /** @description What the owner should know of a session that is otherwise well, for example that packages of the project could not be installed, why, and what to do. */
            warnings: components["schemas"]["SessionWarning"][];
            /** @description Only when failed: whether `POST servers/{name}/restart` can keep the files, as far as is known without looking at the volume. */
            restartable?: boolean;
        };
        SessionStep: {
            step: string;
            /** @enum {string} */
            status: "ready" | "waiting" | "executing" | "failed";
        };
        SessionWarning: {
            message: string;
            /** @description The session is about to end. */
            critical: boolean;
        };
        SessionResources: {
            /** @description What the session was given. Left out where the session does not say. */
            requests: {
                /** @description Cores. */
                cpu?: number;
                /** @description Such as `1G` (10^9 bytes). */
                memory?: string;
                storage?: string;
                gpu?: number;
            };
            /** @description What it uses; empty until it is known. */
            usage: {
                cpu?: number;
                memory?: string;
                storage?: string;
            };
        };
        /** @description Container name to its last lines. */
        ServerLogs: {
            [key: string]: string;
        };
        AutosavesList: {
            /** @description Whether sessions are on volumes that outlive their processes. */
            pvsSupport: boolean;
            autosaves: components["schemas"]["AutosaveResponse"][];
        };
        AutosaveResponse: {
            /** @description The branch that the session was launched from. */
            branch: string;
            /** @description The first 7 characters of the commit that the session was launched from. */
            commit: string;
            /**
             * @description Autosaves are branches and never volumes.
             * @enum {boolean}
             */
            pvs: false;
            /**
             * Format: date-time
             * @description When the work was saved; null where GitLab does not say.
             */
            date: string | null;
            /** @description The branch that holds the work. */
            name: string;
        };
        /** @description Data of an event without a name. */
        LogLine: {
            container: string;
            /** @description RFC 3339, with up to nine digits of the second; null for what the cluster says itself about the log. */
            time: string | null;
            /** @description Without the line break. What is no UTF-8 is replaced. */
            line: string;
            /**
             * @description The line is longer than 16 KiB, and its end was left out.
             * @enum {boolean}
             */
            truncated?: true;
        };
        /** @description Data of a `skipped` event. */
        LogSkipped: {
            container: string;
            /** @description How many were left out. */
            lines: number;
            /** @description Give this as `since` to read them; null for the beginning of the log. */
            since: string | null;
        };
        /** @description Data of a `container-error` event. */
        LogContainerError: {
            container: string;
            message: string;
        };
        /** @description Data of an `end` event. */
        LogEnd: {
            /**
             * @description `deleted`: the session is gone, or not yours any more. `complete`: all that was written before the restart was read. `shutdown`: the service is being restarted; connect again.
             * @enum {string}
             */
            reason: "deleted" | "complete" | "shutdown";
            message: string;
        };
        ImageResponse: {
            /** @enum {boolean} */
            exists: true;
            /** @description Only the caller's credentials could see it. */
            private: boolean;
            /** @description What it is built for, as `os/architecture` or `os/architecture/variant`; empty where the registry does not say. */
            platforms: string[];
            /**
             * Format: int64
             * @description Bytes to download for the platform that a session would get (packed); null where the registry does not say.
             */
            size: number | null;
            /** @description The image's working directory; null where the registry does not say. */
            workingDir: string | null;
        };
        ImageMissingResponse: {
            /** @enum {boolean} */
            exists: false;
            /**
             * @description `not-found`: its registry has no such image. `needs-login`: its registry does not let this caller see it, or does not say whether it exists. `unreachable`: the registry is down, slow or overloaded; trying again may help. `invalid-answer`: the registry is broken, lying, or none. `address-refused`: the registry, or where it sends its callers, is an address of the inside that the platform's administrator has not allowed.
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
            /** @description With the namespace. */
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
            /** @description The `page` that follows; null for the last one. */
            next_page: number | null;
        };
        Branch: {
            name: string;
            /** @description The full id of its newest commit. */
            commit_sha: string;
            /** @description When that commit was made, as GitLab writes it. */
            committed_at: string | null;
        };
        CommitsResponse: {
            commits: components["schemas"]["Commit"][];
            /** @description The `page` that follows; null for the last one. */
            next_page: number | null;
        };
        Commit: {
            /** @description The full id. */
            commit_sha: string;
            /** @description The first line of its message. */
            title: string;
            author_name: string | null;
            /** @description As GitLab writes it. */
            committed_at: string | null;
        };
        ResourceClassesResponse: {
            resource_classes: components["schemas"]["OfferedResourceClass"][];
        };
        /** @description A size of a session, in cores and gigabytes (10^9 bytes). */
        OfferedResourceClass: {
            id: number;
            name: string;
            /** @description The name of the pool that it belongs to. */
            pool: string;
            /** @description What a launch gets that names no class. */
            default: boolean;
            cpu: number;
            memory: number;
            gpu: number;
            default_storage: number;
            max_storage: number;
        };
        ServerOptionsResponse: {
            defaultUrl?: {
                /** @description Its place among the choices. */
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
            /** @description Which kinds of cloud storage a session can mount. */
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
            /** @description The name that clients of the original service know. */
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
                /** @description Whether requests are kept away while it is not ready. */
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
            /** @description Whose fault it is, and what to do. */
            detail: string | null;
            /** @description From 1000: the caller can correct the request; from 2000: a bug or a configuration error; from 3000: a temporary failure. */
            code: number;
            /** @description Every part of the request that is wrong. */
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
        /** @description The caller is not signed in, or the credentials are invalid. */
        Unauthenticated: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description The request comes from a page of another site, or GitLab refuses it to the caller's account and says why. */
        Forbidden: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description There is no such session, or it is not the caller's. */
        NoSuchServer: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description There is no such project for the caller, or no such branch, tag or commit in it. */
        NoSuchProject: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description There is no such project for the caller, or no such autosave, or it is not the caller's. */
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
        /** @description The body is not sent as JSON. */
        UnsupportedMediaType: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description Parameters or body are not as documented, or ask for what is not offered. `fields` lists every wrong one. */
        InvalidRequest: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description The caller has too many of these requests in progress. `Retry-After` says when to try again. */
        TooManyRequests: {
            headers: {
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description Something that the service needs does not work, or the service itself. Says which. */
        Trouble: {
            headers: {
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description Any other error, for example a wrong method (405), an `Accept` that cannot be met (406) or a foreign host name (421). */
        Other: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description An error, as a page for people or, if that is asked for, as JSON. */
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
         * @description A session's `name`.
         * @example john-2edoe-my-2dproject-b54c96fb
         */
        serverName: string;
        /**
         * @description Path of a project, with its groups, or its number in GitLab; slashes raw or as `%2F`.
         * @example my-group/my-project
         */
        namespaceProject: string;
        /** @description The last part of a project's path, such as `my-project`. */
        filterProject: string;
        /** @description Groups of a project, such as `my-group/my-subgroup`. */
        filterNamespace: string;
        /** @description Such as `main`. */
        filterBranch: string;
        /** @description Such as `0123456789abcdef0123456789abcdef01234567`. */
        filterCommit: string;
    };
    requestBodies: never;
    headers: {
        /**
         * @description Seconds after which trying again makes sense.
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
export type ResponseForbidden = components['responses']['Forbidden'];
export type ResponseNoSuchServer = components['responses']['NoSuchServer'];
export type ResponseNoSuchProject = components['responses']['NoSuchProject'];
export type ResponseNoSuchAutosave = components['responses']['NoSuchAutosave'];
export type ResponseBodyTooLarge = components['responses']['BodyTooLarge'];
export type ResponseUnsupportedMediaType = components['responses']['UnsupportedMediaType'];
export type ResponseInvalidRequest = components['responses']['InvalidRequest'];
export type ResponseTooManyRequests = components['responses']['TooManyRequests'];
export type ResponseTrouble = components['responses']['Trouble'];
export type ResponseOther = components['responses']['Other'];
export type ResponseOtherPage = components['responses']['OtherPage'];
export type ParameterServerName = components['parameters']['serverName'];
export type ParameterNamespaceProject = components['parameters']['namespaceProject'];
export type ParameterFilterProject = components['parameters']['filterProject'];
export type ParameterFilterNamespace = components['parameters']['filterNamespace'];
export type ParameterFilterBranch = components['parameters']['filterBranch'];
export type ParameterFilterCommit = components['parameters']['filterCommit'];
export type HeaderRetryAfter = components['headers']['RetryAfter'];
export type $defs = Record<string, never>;
export interface operations {
    listServers: {
        parameters: {
            query?: {
                /** @description The last part of a project's path, such as `my-project`. */
                project?: components["parameters"]["filterProject"];
                /** @description Groups of a project, such as `my-group/my-subgroup`. */
                namespace?: components["parameters"]["filterNamespace"];
                /** @description Such as `main`. */
                branch?: components["parameters"]["filterBranch"];
                /** @description Such as `0123456789abcdef0123456789abcdef01234567`. */
                commit_sha?: components["parameters"]["filterCommit"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The sessions; an empty object when there are none. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServersGetResponse"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Trouble"];
            default: components["responses"]["Other"];
        };
    };
    launchServer: {
        parameters: {
            query?: {
                /** @description Only say what would be made, and what is missing. */
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
            /** @description The session was there already; or, with `dry_run`, what a launch would do. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotebookResponse"] | components["schemas"]["DryRunResponse"];
                };
            };
            /** @description The session was made. What should be known about it is in `status.warnings`. */
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
            /** @description Something that the session needs does not exist, or not for this caller. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            /** @description The former session of the same name is still being deleted. `Retry-After` says when to try again. */
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
            500: components["responses"]["Trouble"];
            default: components["responses"]["Other"];
        };
    };
    getServer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description A session's `name`.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session as it is now. */
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
            500: components["responses"]["Trouble"];
            default: components["responses"]["Other"];
        };
    };
    stopServer: {
        parameters: {
            query?: {
                /** @description Do not wait for the session to end by itself. */
                forced?: boolean;
            };
            header?: never;
            path: {
                /**
                 * @description A session's `name`.
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
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Trouble"];
            default: components["responses"]["Other"];
        };
    };
    restartServer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description A session's `name`.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The pod is being replaced. The session as it is now, `starting`. */
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
            /** @description The session cannot be restarted as it is. The message says why, `detail` what to do. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorResponse"];
                };
            };
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Trouble"];
            default: components["responses"]["Other"];
        };
    };
    listAccessTokens: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description A session's `name`.
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
            500: components["responses"]["Trouble"];
            default: components["responses"]["Other"];
        };
    };
    createAccessToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description A session's `name`.
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
            /** @description The session has a token of its own, which does not expire. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccessTokenResponse"];
                };
            };
            /** @description The token. Keep it; it is not told again. */
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
            /** @description The session cannot have another token. The message says why, `detail` what to do. */
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
            500: components["responses"]["Trouble"];
            default: components["responses"]["Other"];
        };
    };
    deleteAccessToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description A session's `name`.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
                /**
                 * @description The token's `id`.
                 * @example 1f0a9c3b5d7e2a46
                 */
                token_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is deleted. */
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
            500: components["responses"]["Trouble"];
            default: components["responses"]["Other"];
        };
    };
    getLogs: {
        parameters: {
            query?: {
                /** @description Lines per container, counted from the end. With `follow=true`, those to begin with; 0 for only new ones. */
                max_lines?: number;
                /** @description Go on with what is written from now on. */
                follow?: boolean;
                /** @description Only this container. One that the session does not have is a 422 that lists those it has. */
                container?: string;
                /** @description What was written before the container was started again for the last time. */
                previous?: boolean;
                /** @description Only lines from this time on (RFC 3339), or of the last so many seconds. `max_lines` holds as well. */
                since?: string;
            };
            header?: {
                /** @description Go on after this event, whatever `max_lines` and `since` say. */
                "Last-Event-ID"?: string;
            };
            path: {
                /**
                 * @description A session's `name`.
                 * @example john-2edoe-my-2dproject-b54c96fb
                 */
                server_name: components["parameters"]["serverName"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Container name to text; with `follow=true` a stream of events. */
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
            500: components["responses"]["Trouble"];
            default: components["responses"]["Other"];
        };
    };
    listAutosaves: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Path of a project, with its groups, or its number in GitLab; slashes raw or as `%2F`.
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
            500: components["responses"]["Trouble"];
            default: components["responses"]["Other"];
        };
    };
    deleteAutosave: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description Path of a project, with its groups, or its number in GitLab; slashes raw or as `%2F`.
                 * @example my-group/my-project
                 */
                namespace_project: components["parameters"]["namespaceProject"];
                /**
                 * @description The autosave's `name`; slashes raw or as `%2F`.
                 * @example renku/autosave/john.doe/main/0123456/abcdef0
                 */
                autosave_name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is deleted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthenticated"];
            /** @description GitLab does not let the caller delete it, or the request comes from a page of another site. */
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
            500: components["responses"]["Trouble"];
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
            /** @description It exists and the caller may use it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageResponse"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            /** @description It does not exist, or not for this caller, or could not be looked at; `reason` says which. */
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
            500: components["responses"]["Trouble"];
            default: components["responses"]["Other"];
        };
    };
    listProjects: {
        parameters: {
            query?: {
                /** @description Part of a name; with a slash, of a path. */
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
            500: components["responses"]["Trouble"];
            default: components["responses"]["Other"];
        };
    };
    listBranches: {
        parameters: {
            query?: {
                /** @description Part of a name, whatever its case. */
                search?: string;
                page?: number;
            };
            header?: never;
            path: {
                /**
                 * @description Path of a project, with its groups, or its number in GitLab; slashes raw or as `%2F`.
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
            500: components["responses"]["Trouble"];
            default: components["responses"]["Other"];
        };
    };
    listCommits: {
        parameters: {
            query?: {
                /** @description Branch, tag or commit; the default branch where it is left out. */
                ref?: string;
                page?: number;
            };
            header?: never;
            path: {
                /**
                 * @description Path of a project, with its groups, or its number in GitLab; slashes raw or as `%2F`.
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
            500: components["responses"]["Trouble"];
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
            500: components["responses"]["Trouble"];
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
            /** @description The choices; one that is not configured is left out. */
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
            /** @description The version of the service and what is switched on. */
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
            /** @description An OpenAPI 3.0.3 document with the prefix that the service really runs under in its paths; its servers are `/api` and `/ui-server/api`, as a platform's gateway publishes the API, and `/`, this service itself. */
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
            /** @description To the same address with a slash at its end, below which the page finds what it loads. */
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
            /** @description It is. Says the prefix it runs under. */
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
            /** @description It can. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReadinessResponse"];
                };
            };
            /** @description It cannot, because something that it needs is not there yet or it is being stopped. */
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
                /** @description Branch, tag or commit; the default branch where it is left out. */
                ref?: string;
                /** @description The branch to work on, where `ref` is a commit or a tag; the default branch where it is left out. */
                branch?: string;
                /** @description Show the options and wait for a click. */
                configure?: boolean;
                /** @description As in `LaunchNotebookRequest`, like the following: what the options are to begin with. With any of them the page waits for a click. */
                image?: string;
                resource_class_id?: number;
                storage?: number;
                lfs_auto_fetch?: boolean;
                default_url?: string;
            };
            header?: never;
            path: {
                /**
                 * @description Group and subgroups; slashes raw or as `%2F`.
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
