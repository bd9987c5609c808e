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
         * @description The session is `stopping` until all its objects are deleted, including its volume. The response does not wait for that.
         *
         *     If `savesOnStop` of the session's work is true (see `getWork`), the work that is not pushed is saved first, as an autosave in
         *     the repository. Meanwhile `status.message` and `status.saving` have the progress. If the save fails, nothing is deleted: the
         *     session is hibernated, or keeps running if its files are not on a volume, and `status.saving.failure` has the reason. A second
         *     request then deletes the session with its work; for a session that runs, only until `status.saving.failure.until`, and later
         *     requests save again. Further requests while the work is being saved change nothing.
         *
         *     In all other cases, files and commits that are not pushed are lost. Files that no save has are lost with the session, too:
         *     `notSavable` of the session's work names them, for example large files that git ignores.
         *
         *     If another operator than that of this project runs the sessions, the service makes the save before it responds, within the time
         *     limit of requests. If the save does not end in time, the session is deleted: its agent then saves within the grace period of
         *     the pod. If the save fails, the response is 409 and the session runs on.
         */
        delete: operations["stopServer"];
        options?: never;
        head?: never;
        /**
         * Hibernate or resume a session, or change its resource class
         * @description - `state: hibernated` saves the work that is not pushed, ends the pod and keeps the files. If the save fails, the response
         *       is 409 and the session runs on; with `force: true` it is hibernated anyway. Nothing is lost: the files are on
         *       the volume. A session without a volume is not hibernated: the response is 409. If the session has no agent, or its user may
         *       not push, nothing is saved. A request with `force: true` also applies to a hibernation that is in progress.
         *     - `state: running` starts a hibernated session again, with the same files and address, and with the tokens of this request. It also
         *       cancels a hibernation that has not begun.
         *     - `resource_class_id` changes the size of a hibernated session, or of a failed one with a volume.
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
         *     objects that are not in the repository. Work that is saved in the repository is not lost. The agent of the session answers, so
         *     the session must be running; otherwise `work` is null, and `unavailable` has the reason.
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
         *     the branch and the index of the session do not change. Follow the operation at `servers/{server_name}/operations/{id}`. It fails
         *     with a reason if the work cannot be saved, for example because the user may not push.
         */
        post: operations["saveWork"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/server": {
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
         * Show the Jupyter server of one of your sessions
         * @description Returns the state of the Jupyter server as the supervisor in the session reports it. If the session has no supervisor or does not run,
         *     `server` is null, and `unavailable` has the reason: whether a session has a supervisor depends on its image
         *     (`sessions.supervisor`). A supervisor that does not respond is an error with the code 3000.
         */
        get: operations["getJupyterServer"];
        put?: never;
        /**
         * Start or restart the Jupyter server of a session
         * @description Starts the server if it was stopped, and responds when the server does. A server that runs stays as it is. With `restart`, a running
         *     server is started anew; its kernels continue, and the new server has the same sessions and kernels. If the server needs longer
         *     than the time limit of requests (`request.deadline_ms`), the response has the code 3004, and the start continues: see
         *     `getJupyterServer`.
         */
        post: operations["startJupyterServer"];
        /**
         * Stop the Jupyter server of a session with all its kernels
         * @description Ends all kernels, then the server. The session stays. If a kernel is busy, nothing is ended unless `force` is true.
         */
        delete: operations["stopJupyterServer"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/kernels": {
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
         * List the kernels of one of your sessions
         * @description Returns the kernels with their documents, what they do, and what they use. A kernel that has ended although no user ended it is
         *     `lost`, with the reason. If the session has no supervisor or does not run, the list is empty, and `unavailable` has the reason.
         *     A supervisor that does not respond is an error with the code 3000.
         */
        get: operations["listKernels"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/kernels/sync": {
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
         * Compare the recorded kernels of a session with the running ones
         * @description Finds kernels again that the Jupyter server does not know, for example after a failure of a kernel gateway, with their sessions, and
         *     reports. The supervisor does the same regularly. No kernel is ended.
         */
        post: operations["syncKernels"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/kernels/{kernel_id}": {
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
                 * @description The id of a kernel, as `listKernels` returns it.
                 * @example 3d2f7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                kernel_id: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End a kernel of a session
         * @description Its document stays open. All variables of the kernel are lost.
         */
        delete: operations["endKernel"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/kernels/{kernel_id}/interrupt": {
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
                 * @description The id of a kernel, as `listKernels` returns it.
                 * @example 3d2f7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                kernel_id: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Interrupt what a kernel of a session runs
         * @description The running cell ends, in Python with a KeyboardInterrupt.
         */
        post: operations["interruptKernel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/kernels/{kernel_id}/restart": {
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
                 * @description The id of a kernel, as `listKernels` returns it.
                 * @example 3d2f7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                kernel_id: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Start a kernel of a session anew
         * @description The kernel keeps its id and its document. All its variables are lost.
         */
        post: operations["restartKernel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/kernels/{kernel_id}/snapshots": {
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
                 * @description The id of a kernel, as `listKernels` returns it.
                 * @example 3d2f7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                kernel_id: string;
            };
            cookie?: never;
        };
        /**
         * List the snapshots of a kernel
         * @description Returns the snapshots of the kernel, the newest first, and for each engine why it cannot take another one, if so. A snapshot has
         *     the variables of a kernel at one time; the engine `namespace` saves those that Python can save, and neither the history of the
         *     notebook (`In`, `Out`), nor the working directory, the environment, threads, connections and generators. The engine `criu` saves the
         *     whole process with all of these except connections, of a kernel in any language, if the platform permits it. If the session has no
         *     supervisor or does not run, the list is empty, and `unavailable` has the reason.
         */
        get: operations["listSnapshots"];
        put?: never;
        /**
         * Take a snapshot of a kernel
         * @description Starts an operation, which you can follow and cancel at `servers/{server_name}/operations/{id}`. With the engine `namespace`, it is
         *     `waiting` while the kernel runs a cell; cells that are started during the snapshot wait for its end. The result lists the variables that
         *     could not be saved. With `criu`, the process stands still while it is saved, and then continues, also in the middle of a cell. Within
         *     5 seconds after the last snapshot of the kernel, and while another one is taken, no snapshot is taken: the operation ends at
         *     once, `snapshot.skipped` has the reason, and `Retry-After` the seconds to wait.
         */
        post: operations["takeSnapshot"];
        /** Delete all snapshots of a kernel */
        delete: operations["deleteSnapshots"];
        options?: never;
        head?: never;
        /**
         * Switch automatic snapshots of a kernel on or off
         * @description When they are on, a snapshot is taken after each cell, with a few seconds between two, and the newest 5 of these are kept. Nothing is
         *     printed into the notebook.
         */
        patch: operations["setAutomaticSnapshots"];
        trace?: never;
    };
    "/servers/{server_name}/kernels/{kernel_id}/snapshots/{snapshot_id}": {
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
                 * @description The id of a kernel, as `listKernels` returns it.
                 * @example 3d2f7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                kernel_id: string;
                /**
                 * @description The id of a snapshot, as `listSnapshots` returns it.
                 * @example 20261120T100000-1f0a7f0e
                 */
                snapshot_id: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete a snapshot of a kernel */
        delete: operations["deleteSnapshot"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/kernels/{kernel_id}/snapshots/{snapshot_id}/restore": {
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
                 * @description The id of a kernel, as `listKernels` returns it.
                 * @example 3d2f7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                kernel_id: string;
                /**
                 * @description The id of a snapshot, as `listSnapshots` returns it.
                 * @example 20261120T100000-1f0a7f0e
                 */
                snapshot_id: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give a kernel the variables of a snapshot
         * @description Starts an operation, which you can follow and cancel at `servers/{server_name}/operations/{id}`. Variables that did not exist at
         *     the time of the snapshot are removed; those that the snapshot could not save stay. A kernel that does not run is started
         *     with the same id. If the operation fails, the kernel has the variables that it had before. With the engine `criu`, the saved process
         *     takes the place of the present one, which comes back if the saved one cannot be started, for example because a file that was open
         *     has changed its size. The snapshots of a hibernation need the same image.
         */
        post: operations["restoreSnapshot"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/sync-folders": {
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
         * List the synchronized folders of one of your sessions
         * @description Returns the folders that are synchronized with a folder of a remote, with the state of the synchronization. If the session does not
         *     run, the list is empty, and `unavailable` has the reason. No response contains credentials.
         */
        get: operations["listSyncFolders"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/sync-folders/{folder_id}": {
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
                 * @description The id of a synchronized folder, which its owner chooses. Unique in the session.
                 * @example notes
                 */
                folder_id: components["parameters"]["syncFolderId"];
            };
            cookie?: never;
        };
        /**
         * Show a synchronized folder of one of your sessions
         * @description Returns the settings of the folder, and its state with the last round, conflicts and files that are not synchronized.
         */
        get: operations["getSyncFolder"];
        /**
         * Synchronize a folder with a remote, or change how
         * @description Creates the synchronization, or replaces its settings. A session has at most 10 synchronized folders. Files of both sides are compared
         *     at regular times, and after changes in the session. `credentials` are write-only: the session keeps them encrypted on its volume, with a key that only the session's agent has.
         *     A request without `credentials` keeps the stored ones, unless the type or the options of the remote change. With `paused`, no round
         *     runs until another request changes that; the files of both sides stay as they are.
         *
         *     | Type | Options | Credentials |
         *     |---|---|---|
         *     | `webdav` | `url` (https), `user`, `vendor` (`nextcloud`, `owncloud`, `infinitescale`, `fastmail`, `rclone`, `other`) | `password` or `bearer_token` |
         *     | `s3` | `bucket`, `endpoint` (https; without it, AWS), `region`, `provider` | `access_key_id`, `secret_access_key`, `session_token` |
         *     | `sftp` | `host`, `port`, `user`, `host_key` (as `ssh-keyscan HOST` prints it, without the host) | `password`, or `private_key` with `passphrase` |
         *     | `local` | `folder`, which the administrator permits | none |
         */
        put: operations["putSyncFolder"];
        post?: never;
        /**
         * End the synchronization of a folder
         * @description The files of both sides stay. The session deletes the credentials and its backups of replaced versions.
         */
        delete: operations["deleteSyncFolder"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/sync-folders/{folder_id}/sync": {
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
                 * @description The id of a synchronized folder, which its owner chooses. Unique in the session.
                 * @example notes
                 */
                folder_id: components["parameters"]["syncFolderId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Synchronize a folder now
         * @description Starts an operation. If the folder is `suspended`, because a round would delete many files, `deletions` confirms that number of
         *     deletions.
         */
        post: operations["startSyncRound"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/sync-folders/{folder_id}/operations": {
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
                 * @description The id of a synchronized folder, which its owner chooses. Unique in the session.
                 * @example notes
                 */
                folder_id: components["parameters"]["syncFolderId"];
            };
            cookie?: never;
        };
        /**
         * List the rounds of a folder that requests started
         * @description Returns the last 20 operations of the folder, the newest first. They end with the agent of the session.
         */
        get: operations["listSyncOperations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/sync-folders/{folder_id}/operations/{operation_id}": {
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
                 * @description The id of a synchronized folder, which its owner chooses. Unique in the session.
                 * @example notes
                 */
                folder_id: components["parameters"]["syncFolderId"];
                /**
                 * @description The id of an operation, as `startSyncRound` returns it.
                 * @example 5f0c7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                operation_id: string;
            };
            cookie?: never;
        };
        /**
         * Show or follow a round that a request started
         * @description The session knows the last 20 operations of a folder, until its agent ends. With `Accept: text/event-stream`, the response is a
         *     stream of server-sent events: `operation` with the operation, now and after each change, and `end` as in `getOperation`.
         */
        get: operations["getSyncOperation"];
        put?: never;
        post?: never;
        /**
         * Cancel a round
         * @description What was synchronized stays. The next round starts after the interval.
         */
        delete: operations["cancelSyncOperation"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/servers/{server_name}/sync-folders/{folder_id}/conflicts/{conflict_id}": {
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
                 * @description The id of a synchronized folder, which its owner chooses. Unique in the session.
                 * @example notes
                 */
                folder_id: components["parameters"]["syncFolderId"];
                /**
                 * @description The id of a conflict, as the status of the folder has it.
                 * @example 9a577f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                conflict_id: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resolve a conflict
         * @description `keep-both`: all files stay, and the conflict is not listed any more. `mine`, `theirs`: the version of the session or of the remote
         *     gets the path; the other one goes to the backup. The next round, which starts at once, changes the remote.
         */
        post: operations["resolveSyncConflict"];
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
         * @description Returns the last operations, the newest first, with at most 20 saves, 20 snapshots and 10 restores. The list is empty if the session has no agent or does not run.
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
         * @description The agent of the session keeps its last 20 saves, 20 snapshots and 10 restores, on a session with a volume also those of earlier pods.
         *
         *     With `Accept: text/event-stream`, the response is a stream of server-sent events:
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
         * @description The repository, or the kernel, is as before the operation. An operation that has ended does not change.
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
         * @description Work that is not pushed is saved on request (`saveWork`), and before a session ends, if the session has an agent and its user may
         *     push: to the branch
         *     `renku/autosave/<user name>/<branch>/<commit of the launch>/<commit of the save>` (7 characters of each commit).
         *     The next session of that branch and commit restores the newest one. The list has only the caller's autosaves, newest
         *     first. Anonymous users have none. `GET .../autosave/{name}` shows what is in one.
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
                /**
                 * @description The `name` of the autosave; slashes may be encoded as `%2F`.
                 * @example renku/autosave/john.doe/main/0123456/abcdef0
                 */
                autosave_name: string;
            };
            cookie?: never;
        };
        /**
         * Show what is in one of your autosaves
         * @description Compares the autosave with the commit of the launch, in one request to GitLab. GitLab limits the comparison of very large
         *     changes; `files.isComplete` and `commits.isComplete` are then false.
         */
        get: operations["getAutosave"];
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
    "/projects/{namespace_project}/autosaves": {
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
         * Show your autosaves of a project
         * @description The page shows what is in each autosave, launches sessions that restore them, and deletes them.
         */
        get: operations["autosavesPage"];
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
        JupyterServerReport: {
            /** @description Why the session does not report. */
            unavailable: {
                /** @enum {string} */
                reason: "no-agent" | "no-key" | "not-running" | "hibernated" | "stopping" | "no-supervisor";
                /** @description A sentence for the user. */
                message: string;
            } | null;
            server: components["schemas"]["JupyterServerStatus"];
        };
        StartJupyterServer: {
            /** @description The kernel gateway where the kernels run; without it, they run in the session. A server that runs with another gateway must be stopped first. Not with `restart`, which keeps the gateway. */
            gateway_url?: string;
            /** @description Whether a running server is started anew, with the same gateway. */
            restart?: boolean;
        };
        TakeSnapshot: {
            /** @default  */
            label: string;
            /** @description How many of the snapshots that users took of this kernel are kept, with this one. Older ones are deleted. Without it, all are kept. */
            keep?: number;
            /**
             * @description What is saved, `namespace` for the variables, `criu` for the whole process. Without it, the process if `listSnapshots` says that the engine is available, else the variables.
             * @enum {string}
             */
            engine?: "namespace" | "criu";
        };
        ChangeSnapshots: {
            /** @description Whether a snapshot is taken after each cell. */
            automatic: boolean;
        };
        RestoreSnapshot: {
            /**
             * @description Whether the snapshot is restored although packages have other versions now. Another version of Python is always an error.
             * @default false
             */
            force: boolean;
        };
        SnapshotReport: {
            /** @description Why the session does not report. */
            unavailable: {
                /** @enum {string} */
                reason: "no-agent" | "no-key" | "not-running" | "hibernated" | "stopping" | "no-supervisor";
                /** @description A sentence for the user. */
                message: string;
            } | null;
            snapshots: components["schemas"]["Snapshot"][];
            engines: {
                name: string;
                /** @description Why the engine cannot take a snapshot of the kernel now. */
                unavailable: string | null;
            }[];
            /** @description Whether a snapshot is taken after each cell. */
            automatic: boolean;
            /** @description Why the last automatic snapshot was not taken. */
            automatic_error: string | null;
            /** @description The size of all snapshots of the session. */
            used_bytes: number;
            quota_bytes: number;
        };
        Snapshot: {
            id: string;
            label: string;
            /** @description `user`, `automatic` or `hibernate`. */
            reason: string;
            /** Format: date-time */
            created: string;
            size_bytes: number;
            /** @description The part of the size that is shared with the snapshot before and was not written again: data of arrays that has not changed. Python does not say whether other variables have changed. */
            reused_bytes: number;
            engine: string;
            /** @description The Python module that saved the variables: `dill`, `cloudpickle` or `pickle`. */
            pickler: string;
            python: string;
            /** @description How long the kernel could not run cells. */
            frozen_ms: number;
            variables: number;
            not_saved: components["schemas"]["NotSavedVariable"][];
            not_saved_count: number;
        };
        /** @description The snapshot that was taken or restored. */
        UsedSnapshot: {
            id: string;
            label: string;
            /** @description `user`, `automatic` or `hibernate`. */
            reason: string;
            /** Format: date-time */
            created: string;
            size_bytes: number;
            /** @description The part of the size that is shared with the snapshot before and was not written again: data of arrays that has not changed. Python does not say whether other variables have changed. */
            reused_bytes: number;
            engine: string;
            /** @description The Python module that saved the variables: `dill`, `cloudpickle` or `pickle`. */
            pickler: string;
            python: string;
            /** @description How long the kernel could not run cells. */
            frozen_ms: number;
            variables: number;
            not_saved: components["schemas"]["NotSavedVariable"][];
            not_saved_count: number;
        } | null;
        NotSavedVariable: {
            name: string;
            type: string;
            reason: string;
        };
        KernelReport: {
            /** @description Why the session does not report. */
            unavailable: {
                /** @enum {string} */
                reason: "no-agent" | "no-key" | "not-running" | "hibernated" | "stopping" | "no-supervisor";
                /** @description A sentence for the user. */
                message: string;
            } | null;
            kernels: components["schemas"]["Kernel"][];
            /** @description Why Jupyter, or the records of its kernels, did not say more about them. */
            jupyter: string | null;
        };
        /** @description The state of the server; null if it is not known. */
        JupyterServerStatus: {
            /** @enum {string} */
            state: "stopped" | "starting" | "running" | "stopping" | "crashed";
            /** @description How often the supervisor has started the server. */
            starts: number;
            /** @description How the last server ended. */
            last_exit: string | null;
            /** @description The gateway where the kernels run. */
            gateway_url: string | null;
            /** @description Why the kernels of the gateway cannot be used. */
            gateway_problem: string | null;
            /** @description Why kernels end with the server, for example because the user's configuration disables the extension session_kernels. */
            kernels_problem: string | null;
            url?: string;
            port?: number;
            base_url?: string;
            /** @description The file in the session that has the token of the server. */
            token_file?: string;
            pid?: number;
            root_dir?: string;
            /** @description The version of jupyter_server. */
            version?: string;
            /** @description The last lines of the log of a server that ended. */
            log?: string[];
        } | null;
        Kernel: {
            id: string;
            /** @description The name of the kernelspec. */
            name: string | null;
            /** @description The document of the kernel. */
            path: string | null;
            /** @description As Jupyter reports it (starting, idle, busy, ...), `lost`, `ended` (the kernel has ended, and its snapshots are kept), or `unknown`. */
            state: string;
            last_activity: string | null;
            connections: number | null;
            memory_bytes: number | null;
            cpu_seconds: number | null;
            /** @description Why the kernel is lost, or why its record cannot be used. */
            reason: string | null;
        };
        SyncReport: {
            kernels: {
                kept: components["schemas"]["SyncedKernels"];
                adopted: components["schemas"]["SyncedKernels"];
                unknown: components["schemas"]["SyncedKernels"];
                missing: components["schemas"]["SyncedKernels"];
                lost: components["schemas"]["SyncedKernels"];
                removed: components["schemas"]["SyncedKernels"];
                failed: components["schemas"]["SyncedKernels"];
            };
            sessions: {
                kept: string[];
                restored: string[];
                waiting: string[];
            };
            /** @description The name under which a damaged file of records was kept. */
            damaged_file: string | null;
        };
        SyncedKernels: {
            id: string;
            name: string;
            path: string;
            reason?: string;
        }[];
        SyncFolderRequest: {
            /** @description The folder in the work tree, relative, with slashes. Synchronized folders are not inside each other. */
            path: string;
            remote: components["schemas"]["SyncRemote"];
            /** @description Write-only. Without it, the stored credentials stay. */
            credentials?: {
                [key: string]: string;
            };
            /**
             * @description The time between two comparisons of both sides.
             * @default 60
             */
            intervalSeconds: number;
            /** @description Rules as in `.gitignore`, at the top of the folder. By default `.ipynb_checkpoints/`. Repositories (`.git`) are never synchronized. */
            ignore?: string[];
            /**
             * @description Larger files are not synchronized.
             * @default 5368709120
             */
            maxFileBytes: number;
            /**
             * @description How long replaced and deleted versions are kept.
             * @default 2592000
             */
            backupSeconds: number;
            /** @description The bandwidth limit for each direction. */
            bytesPerSecond?: number | null;
            /**
             * @description No round runs.
             * @default false
             */
            paused: boolean;
        };
        SyncRemote: {
            /** @description A name that the pages show. */
            name: string;
            /** @description `webdav`, `s3`, `sftp` or `local`, if the platform permits it (`sessions.sync.remotes`). */
            type: string;
            /** @description The folder at the remote, relative to its top; empty: the top. */
            path: string;
            /** @description Settings of the type that are no secrets. */
            options: {
                [key: string]: string;
            };
        };
        SyncFolder: {
            id: string;
            path: string;
            remote: components["schemas"]["SyncRemote"];
            hasCredentials: boolean;
            intervalSeconds: number;
            ignore: string[];
            maxFileBytes: number;
            backupSeconds: number;
            bytesPerSecond: number | null;
            paused: boolean;
            /** @description Where replaced and deleted versions are, as `TIME OF THE ROUND/PATH`. */
            backups: {
                /** @description The path in the session, for a terminal. The folder has versions of the session that a round has replaced or deleted, and those of a remote that cannot move files. */
                session: string;
                /** @description The folder at the remote, below that of the folder: versions of the remote. */
                remote: string;
            };
            status: components["schemas"]["SyncStatus"];
        };
        SyncStatus: {
            /**
             * @description `suspended`: the owner must confirm the deletions in `suspension`, and until then nothing is changed. A folder is suspended if one
             *     side is empty, or if a round would delete at least 10 files that are half of those that were on both sides. `error`: the last round failed;
             *     the next one starts at `error.retryAt`. `paused`: the owner has paused the synchronization.
             * @enum {string}
             */
            state: "idle" | "syncing" | "suspended" | "error" | "paused";
            lastRound: components["schemas"]["SyncRound"];
            /**
             * Format: date-time
             * @description The start of the last round without an error: older changes are on both sides.
             */
            lastSuccessAt: string | null;
            counters: components["schemas"]["SyncCounters"];
            conflicts: components["schemas"]["SyncFileConflict"][];
            conflictCount: number;
            error: components["schemas"]["SyncError"];
            suspension: {
                message: string;
                /**
                 * @description The side on which files are missing.
                 * @enum {string}
                 */
                side: "local" | "remote";
                /** @description Files that would be deleted on the other side. */
                deletions: number;
                /** @description Files that were on both sides. */
                known: number;
                /** Format: date-time */
                since: string;
            } | null;
            skipped: components["schemas"]["SyncSkipped"][];
            skippedCount: number;
        };
        SyncRound: {
            /** Format: date-time */
            startedAt: string;
            /** Format: date-time */
            finishedAt: string | null;
            counters: components["schemas"]["SyncCounters"];
        } | null;
        SyncCounters: {
            uploaded: number;
            downloaded: number;
            deletedLocally: number;
            deletedRemotely: number;
            /** @description Renames without a transfer. */
            renamed: number;
            conflicts: number;
            /** @description Bytes transferred, of both directions. */
            bytes: number;
        };
        SyncFileConflict: {
            id: string;
            path: string;
            /**
             * @description `both-changed`: the version of the remote is at `copy`. `deleted-here`, `deleted-there`: the session or the remote has deleted the
             *     file, and the other side has changed it; the change stays. `kind-changed`: a file at one side (now at `copy`), a folder at the other.
             * @enum {string}
             */
            kind: "both-changed" | "deleted-here" | "deleted-there" | "kind-changed";
            mine: components["schemas"]["SyncVersion"];
            theirs: components["schemas"]["SyncVersion"];
            copy: string | null;
            /** Format: date-time */
            since: string;
        };
        SyncVersion: {
            size: number;
            /** Format: date-time */
            modifiedAt: string | null;
        } | null;
        SyncError: {
            /**
             * @description `unauthorized`: the credentials are invalid or have expired. `quota`: the remote has no space. `rejected`: the platform does not permit
             *     the address or the type. `too-many`: one side has more than 500,000 files and folders. `local`: the folder of the session. `disk-full`: the volume of the session. `suspended`: see `suspension`; only of operations.
             * @enum {string}
             */
            reason: "unauthorized" | "forbidden" | "unavailable" | "not-found" | "changed" | "quota" | "unsupported-name" | "unsupported" | "rejected" | "too-many" | "local" | "disk-full" | "suspended" | "internal";
            /** @description A sentence for the user: what failed, why, and what to do. No credentials. */
            message: string;
            /**
             * Format: date-time
             * @description null: not before the owner changes the settings or starts a round.
             */
            retryAt: string | null;
        } | null;
        SyncSkipped: {
            path: string;
            /** @enum {string} */
            side: "local" | "remote";
            /** @enum {string} */
            reason: "name" | "case" | "special" | "too-large" | "changing" | "failed";
            message: string;
        };
        SyncRequest: {
            /** @description The number of deletions in `suspension` that the owner confirms. More deletions suspend the folder again. */
            deletions?: number;
        };
        SyncOperation: {
            id: string;
            folder: string;
            /** @enum {string} */
            state: "waiting" | "running" | "succeeded" | "failed" | "cancelled";
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            finishedAt: string | null;
            result: components["schemas"]["SyncRound"];
            error: components["schemas"]["SyncError"];
        };
        SyncOperationList: {
            operations: components["schemas"]["SyncOperation"][];
        };
        SyncResolution: {
            /** @enum {string} */
            resolution: "keep-both" | "mine" | "theirs";
        };
        SyncFolderReport: {
            /** @description Why the folders are not known. Null if they are. */
            unavailable: {
                /** @enum {string} */
                reason: "no-agent" | "no-key" | "not-running" | "hibernated" | "stopping";
                message: string;
            } | null;
            folders: components["schemas"]["SyncFolder"][];
            /** @description Folders that the session remembers and cannot synchronize. `putSyncFolder` sets one up again, `deleteSyncFolder` removes it. */
            unusable: {
                id: string;
                /** @description Why the folder is not synchronized. */
                message: string;
            }[];
            /** @description The types of remotes that the platform permits (`sessions.sync.remotes`). */
            remoteTypes: string[];
        };
        SessionWork: {
            /** @description Whether a stop of the session saves its work first. */
            savesOnStop: boolean;
            /** @description Why a stop of the session does not save its work first; null if it does. */
            whyNotSaved: {
                /**
                 * @description `saved-before`: the session is hibernated, and the repository has all of its work. `save-failed`: the last stop could not save the work, and another stop deletes the session.
                 * @enum {string}
                 */
                reason: "no-agent" | "no-key" | "no-permission" | "anonymous" | "hibernated" | "saved-before" | "save-failed" | "stopping";
                /** @description A sentence for the user. */
                message: string;
            } | null;
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
            /** @description Local branches, or a detached HEAD (name null), with commits that are not pushed. Most commits first. */
            branches: {
                name: string | null;
                commits: number;
            }[];
            /** @description The number of such branches, also of those that the list does not have. */
            branchCount?: number;
            /** @description The number of commits that are not pushed, of all branches and tags. */
            commits?: number;
            /** @description Tags that are not pushed. */
            tags?: {
                count: number;
                names: string[];
            };
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
                /** @description Local tags. */
                tags?: number;
            }[];
            /** @description The number of such submodules, also of those that the list does not have. */
            submoduleCount?: number;
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
            /** @description The autosave that was restored when the repository of the session was cloned; null if there was none. Omitted if the agent of the session does not report it. */
            recovered?: {
                branch: string;
                commit: string;
                /**
                 * Format: date-time
                 * @description null if it is unknown.
                 */
                savedAt: string | null;
                /** @description Whether everything in the autosave was restored. */
                isComplete: boolean;
                /** @description Why nothing or not everything was restored. */
                error: string | null;
                /** @description Whether the remote repository no longer has the autosave. It is deleted when a later save, or a push, has its content. */
                isDeleted: boolean;
                /** @description Branches of older autosaves of the same branch and commit, which were not restored. */
                others: string[];
            } | null;
            /** @description The names of the autosaves in the repository that the session has made or restored. Missing if the agent is older. */
            autosaves?: string[];
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
             * @description `ignored`: a large file or folder that git ignores, and that is no cache (a virtual environment, `node_modules`, a folder with
             *     `CACHEDIR.TAG`); the session ends without it. `nested-repository`: another repository in the
             *     work tree. `filtered`: a filter of the repository protects the file, so it is kept on the volume only. `earlier-save`: an
             *     autosave that was not restored completely and that could not be pushed, so only the volume has it; `path` is its branch.
             * @enum {string}
             */
            reason: "ignored" | "nested-repository" | "special-file" | "unreadable" | "changing" | "too-large" | "filtered" | "earlier-save";
            /** @description Why the repository does not have it, in the words of the program that said so. Missing if nothing more is known. */
            message?: string;
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
            kind: "save" | "snapshot" | "restore";
            /** @description `user`, `stop`, `hibernate`, `cull`, `pre-stop` or `automatic`. */
            reason: string;
            /** @enum {string} */
            state: "waiting" | "running" | "succeeded" | "failed" | "cancelled";
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            finishedAt: string | null;
            progress: {
                /** @enum {string} */
                step: "waiting" | "stopping-kernels" | "scanning" | "collecting" | "pushing" | "verifying" | "writing" | "checking" | "loading" | "done";
                /** @description Bytes or files of the step. */
                done: number;
                total: number | null;
            };
            /** @description Of a save. */
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
            /** @description Of an operation with a snapshot, also while it is in progress; null or missing for a save. */
            snapshot?: {
                kernel_id: string;
                snapshot: components["schemas"]["UsedSnapshot"];
                /** @description How long the snapshot took. */
                duration_ms: number | null;
                /** @description Why no snapshot was taken. */
                skipped: {
                    message: string;
                    retry_after_seconds: number;
                } | null;
                restored: {
                    /** @description How long the kernel could not run cells. */
                    frozen_ms: number;
                    /** @description The number of variables. */
                    restored: number;
                    /** @description Variables that did not exist at the time of the snapshot. */
                    removed: string[];
                    not_restored: components["schemas"]["NotSavedVariable"][];
                } | null;
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
            /** @description Set in four states. `starting`: the current steps and their progress. `failed`: the reason and the solution. `hibernated`: how to resume the session, and why it was not deleted if it was to be. `stopping`: the progress of the save before the end. */
            message?: string | null;
            /** @description The steps of the start, in order, and the save before the end of the session. */
            details: components["schemas"]["SessionStep"][];
            totalNumContainers: number;
            readyNumContainers: number;
            /** @description Warnings for the owner, for example about packages of the project that could not be installed, with reason and solution. */
            warnings: components["schemas"]["SessionWarning"][];
            /** @description Only in the state `failed`: true if `POST servers/{name}/restart` can keep the files. The service does not check the volume itself. */
            restartable?: boolean;
            saving?: components["schemas"]["SavingStatus"];
        };
        /** @description The save before the session is deleted or hibernated. Only while it runs (`failure` is null), and after it has failed. */
        SavingStatus: {
            /** @description Id of the operation. */
            operation: string;
            /**
             * @description What follows the save.
             * @enum {string}
             */
            action: "delete" | "hibernate";
            /** @enum {string} */
            step: "waiting" | "stopping-kernels" | "scanning" | "collecting" | "pushing" | "verifying" | "done";
            /** @description Bytes or files of the step. */
            done: number;
            total: number | null;
            failure: {
                /** @description A reason of the agent (`push-rejected`, `unreachable`, `credentials`, `disk-full`, `git`, `no-repository`, ...), or `timeout`, `not-verified`, `no-response` (of the agent), `no-agent`, `no-key`, `not-running`, `no-volume`, `internal`. */
                reason: string;
                /** @description What failed, why, and what to do. */
                message: string;
                /** Format: date-time */
                at: string;
                /**
                 * Format: date-time
                 * @description The session still runs, and until this time another stop deletes it with its work. null: without such a time, because the session is hibernated or was not to be deleted.
                 */
                until: string | null;
            } | null;
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
        AutosaveContent: {
            name: string;
            /** @description The branch of the launch. */
            branch: string;
            /** @description The first 7 characters of the commit of the launch. */
            commit: string;
            /** @description The files that differ from the commit of the launch. */
            files: {
                count: number;
                names: string[];
                /** @description False if GitLab compared only a part of the files. */
                isComplete: boolean;
            };
            /** @description The commits of the session's branch since the launch, without those of the autosave itself. */
            commits: {
                count: number;
                newest: components["schemas"]["Commit"][];
                /** @description False if GitLab listed only a part of the commits. */
                isComplete: boolean;
            };
            /** @description The number of further commits: of other branches and of stashes. */
            others: number;
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
        /** @description The folder. */
        SyncFolder: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["SyncFolder"];
            };
        };
        /** @description The operation. */
        SyncOperation: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["SyncOperation"];
            };
        };
        /** @description The session, the folder, the operation or the conflict does not exist, or the session belongs to another user. */
        NoSuchSyncFolder: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description The session does not run or has no agent, or the state of its folders does not allow the request. `detail` gives the reason. */
        SyncConflict: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /**
         * @description The state of the session, of its Jupyter server or of a kernel does not allow the request, or Jupyter rejects it. `detail` gives
         *     the reason.
         */
        KernelConflict: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description The session or the snapshot does not exist, or the session belongs to another user. */
        NoSuchSnapshot: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /**
         * @description The session has no supervisor, or does not run; the kernel is not a Python kernel; or the snapshot is damaged or not of this
         *     session. `detail` gives the reason.
         */
        SnapshotConflict: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description The volume of the session, or its quota of snapshots, has no space for the snapshot. `detail` gives the numbers. */
        NoSpace: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorResponse"];
            };
        };
        /** @description The session or the kernel does not exist, or the session belongs to another user. */
        NoSuchKernel: {
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
         * @description The id of a synchronized folder, which its owner chooses. Unique in the session.
         * @example notes
         */
        syncFolderId: string;
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
export type JupyterServerReport = components['schemas']['JupyterServerReport'];
export type StartJupyterServer = components['schemas']['StartJupyterServer'];
export type TakeSnapshot = components['schemas']['TakeSnapshot'];
export type ChangeSnapshots = components['schemas']['ChangeSnapshots'];
export type RestoreSnapshot = components['schemas']['RestoreSnapshot'];
export type SnapshotReport = components['schemas']['SnapshotReport'];
export type Snapshot = components['schemas']['Snapshot'];
export type UsedSnapshot = components['schemas']['UsedSnapshot'];
export type NotSavedVariable = components['schemas']['NotSavedVariable'];
export type KernelReport = components['schemas']['KernelReport'];
export type JupyterServerStatus = components['schemas']['JupyterServerStatus'];
export type Kernel = components['schemas']['Kernel'];
export type SyncReport = components['schemas']['SyncReport'];
export type SyncedKernels = components['schemas']['SyncedKernels'];
export type SyncFolderRequest = components['schemas']['SyncFolderRequest'];
export type SyncRemote = components['schemas']['SyncRemote'];
export type SyncFolder = components['schemas']['SyncFolder'];
export type SyncStatus = components['schemas']['SyncStatus'];
export type SyncRound = components['schemas']['SyncRound'];
export type SyncCounters = components['schemas']['SyncCounters'];
export type SyncFileConflict = components['schemas']['SyncFileConflict'];
export type SyncVersion = components['schemas']['SyncVersion'];
export type SyncError = components['schemas']['SyncError'];
export type SyncSkipped = components['schemas']['SyncSkipped'];
export type SyncRequest = components['schemas']['SyncRequest'];
export type SyncOperation = components['schemas']['SyncOperation'];
export type SyncOperationList = components['schemas']['SyncOperationList'];
export type SyncResolution = components['schemas']['SyncResolution'];
export type SyncFolderReport = components['schemas']['SyncFolderReport'];
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
export type SavingStatus = components['schemas']['SavingStatus'];
export type SessionStep = components['schemas']['SessionStep'];
export type SessionWarning = components['schemas']['SessionWarning'];
export type SessionResources = components['schemas']['SessionResources'];
export type ServerLogs = components['schemas']['ServerLogs'];
export type AutosavesList = components['schemas']['AutosavesList'];
export type AutosaveResponse = components['schemas']['AutosaveResponse'];
export type AutosaveContent = components['schemas']['AutosaveContent'];
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
export type ResponseSyncFolder = components['responses']['SyncFolder'];
export type ResponseSyncOperation = components['responses']['SyncOperation'];
export type ResponseNoSuchSyncFolder = components['responses']['NoSuchSyncFolder'];
export type ResponseSyncConflict = components['responses']['SyncConflict'];
export type ResponseKernelConflict = components['responses']['KernelConflict'];
export type ResponseNoSuchSnapshot = components['responses']['NoSuchSnapshot'];
export type ResponseSnapshotConflict = components['responses']['SnapshotConflict'];
export type ResponseNoSpace = components['responses']['NoSpace'];
export type ResponseNoSuchKernel = components['responses']['NoSuchKernel'];
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
export type ParameterSyncFolderId = components['parameters']['syncFolderId'];
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
            /**
             * @description The previous session with this name is still being deleted, or its work is still being saved before that. The service waits
             *     for the end until 3 seconds before the time limit of requests (`request.deadline_ms`, by default 10 seconds), for a save
             *     at most 20 seconds. `Retry-After` says when to retry.
             */
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
                /** @description With `false`, delete without saving, now and when the pod ends. With `true`, try to save again after a save that has failed, if the session still runs; without the parameter, a request after such a save deletes the session with its work. A hibernated session cannot save, and is deleted with its work in any case: to save the work, resume the session first. */
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
            /** @description The session is being stopped, or its work is being saved before that. */
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
             * @description The work could not be saved, or the session was started again during the save. Only where another operator than that of this
             *     project runs the sessions. After a save that has failed, a second request deletes the session.
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
            /** @description The work could not be saved, the session has no volume for its files, or it is being stopped. */
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
            /** @description The session has no repository, or git fails in it. `detail` gives the reason. */
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
            /** @description The session has no agent, or does not run. `detail` gives the reason. */
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
    getJupyterServer: {
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
            /** @description The state, or the reason why it is not known. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JupyterServerReport"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            404: components["responses"]["NoSuchServer"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    startJupyterServer: {
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
                "application/json": components["schemas"]["StartJupyterServer"];
            };
        };
        responses: {
            /** @description The server runs. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JupyterServerReport"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchServer"];
            409: components["responses"]["KernelConflict"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    stopJupyterServer: {
        parameters: {
            query?: {
                /** @description Whether busy kernels are ended. */
                force?: boolean;
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
            /** @description The server is stopped. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JupyterServerReport"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchServer"];
            409: components["responses"]["KernelConflict"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    listKernels: {
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
            /** @description The kernels. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KernelReport"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            404: components["responses"]["NoSuchServer"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    syncKernels: {
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
            /** @description The report. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SyncReport"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchServer"];
            409: components["responses"]["KernelConflict"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    endKernel: {
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
                 * @description The id of a kernel, as `listKernels` returns it.
                 * @example 3d2f7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                kernel_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The kernel has ended. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchKernel"];
            409: components["responses"]["KernelConflict"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    interruptKernel: {
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
                 * @description The id of a kernel, as `listKernels` returns it.
                 * @example 3d2f7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                kernel_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The kernel is interrupted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchKernel"];
            409: components["responses"]["KernelConflict"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    restartKernel: {
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
                 * @description The id of a kernel, as `listKernels` returns it.
                 * @example 3d2f7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                kernel_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The kernel has started anew. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchKernel"];
            409: components["responses"]["KernelConflict"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    listSnapshots: {
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
                 * @description The id of a kernel, as `listKernels` returns it.
                 * @example 3d2f7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                kernel_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The snapshots. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SnapshotReport"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            404: components["responses"]["NoSuchKernel"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    takeSnapshot: {
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
                 * @description The id of a kernel, as `listKernels` returns it.
                 * @example 3d2f7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                kernel_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["TakeSnapshot"];
            };
        };
        responses: {
            /** @description The operation. */
            202: {
                headers: {
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operation"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchKernel"];
            409: components["responses"]["SnapshotConflict"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            507: components["responses"]["NoSpace"];
            default: components["responses"]["Other"];
        };
    };
    deleteSnapshots: {
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
                 * @description The id of a kernel, as `listKernels` returns it.
                 * @example 3d2f7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                kernel_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The kernel has no snapshots any more. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchKernel"];
            409: components["responses"]["SnapshotConflict"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    setAutomaticSnapshots: {
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
                 * @description The id of a kernel, as `listKernels` returns it.
                 * @example 3d2f7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                kernel_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangeSnapshots"];
            };
        };
        responses: {
            /** @description The snapshots. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SnapshotReport"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchKernel"];
            409: components["responses"]["SnapshotConflict"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    deleteSnapshot: {
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
                 * @description The id of a kernel, as `listKernels` returns it.
                 * @example 3d2f7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                kernel_id: string;
                /**
                 * @description The id of a snapshot, as `listSnapshots` returns it.
                 * @example 20261120T100000-1f0a7f0e
                 */
                snapshot_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The snapshot does not exist any more. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchSnapshot"];
            409: components["responses"]["SnapshotConflict"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    restoreSnapshot: {
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
                 * @description The id of a kernel, as `listKernels` returns it.
                 * @example 3d2f7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                kernel_id: string;
                /**
                 * @description The id of a snapshot, as `listSnapshots` returns it.
                 * @example 20261120T100000-1f0a7f0e
                 */
                snapshot_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["RestoreSnapshot"];
            };
        };
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
            404: components["responses"]["NoSuchSnapshot"];
            409: components["responses"]["SnapshotConflict"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    listSyncFolders: {
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
            /** @description The folders. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SyncFolderReport"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            404: components["responses"]["NoSuchServer"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    getSyncFolder: {
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
                 * @description The id of a synchronized folder, which its owner chooses. Unique in the session.
                 * @example notes
                 */
                folder_id: components["parameters"]["syncFolderId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["SyncFolder"];
            401: components["responses"]["Unauthenticated"];
            404: components["responses"]["NoSuchSyncFolder"];
            409: components["responses"]["SyncConflict"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    putSyncFolder: {
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
                 * @description The id of a synchronized folder, which its owner chooses. Unique in the session.
                 * @example notes
                 */
                folder_id: components["parameters"]["syncFolderId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SyncFolderRequest"];
            };
        };
        responses: {
            200: components["responses"]["SyncFolder"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchServer"];
            409: components["responses"]["SyncConflict"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    deleteSyncFolder: {
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
                 * @description The id of a synchronized folder, which its owner chooses. Unique in the session.
                 * @example notes
                 */
                folder_id: components["parameters"]["syncFolderId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The folder is not synchronized any more. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchSyncFolder"];
            409: components["responses"]["SyncConflict"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    startSyncRound: {
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
                 * @description The id of a synchronized folder, which its owner chooses. Unique in the session.
                 * @example notes
                 */
                folder_id: components["parameters"]["syncFolderId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["SyncRequest"];
            };
        };
        responses: {
            202: components["responses"]["SyncOperation"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchSyncFolder"];
            409: components["responses"]["SyncConflict"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    listSyncOperations: {
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
                 * @description The id of a synchronized folder, which its owner chooses. Unique in the session.
                 * @example notes
                 */
                folder_id: components["parameters"]["syncFolderId"];
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
                    "application/json": components["schemas"]["SyncOperationList"];
                };
            };
            401: components["responses"]["Unauthenticated"];
            404: components["responses"]["NoSuchSyncFolder"];
            409: components["responses"]["SyncConflict"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    getSyncOperation: {
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
                 * @description The id of a synchronized folder, which its owner chooses. Unique in the session.
                 * @example notes
                 */
                folder_id: components["parameters"]["syncFolderId"];
                /**
                 * @description The id of an operation, as `startSyncRound` returns it.
                 * @example 5f0c7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
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
                    "application/json": components["schemas"]["SyncOperation"];
                    "text/event-stream": string;
                };
            };
            401: components["responses"]["Unauthenticated"];
            404: components["responses"]["NoSuchSyncFolder"];
            409: components["responses"]["SyncConflict"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    cancelSyncOperation: {
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
                 * @description The id of a synchronized folder, which its owner chooses. Unique in the session.
                 * @example notes
                 */
                folder_id: components["parameters"]["syncFolderId"];
                /**
                 * @description The id of an operation, as `startSyncRound` returns it.
                 * @example 5f0c7f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                operation_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["SyncOperation"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchSyncFolder"];
            409: components["responses"]["SyncConflict"];
            422: components["responses"]["InvalidRequest"];
            500: components["responses"]["Failure"];
            default: components["responses"]["Other"];
        };
    };
    resolveSyncConflict: {
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
                 * @description The id of a synchronized folder, which its owner chooses. Unique in the session.
                 * @example notes
                 */
                folder_id: components["parameters"]["syncFolderId"];
                /**
                 * @description The id of a conflict, as the status of the folder has it.
                 * @example 9a577f0e-8f1c-4c53-9a57-0d5b1f2f6c11
                 */
                conflict_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SyncResolution"];
            };
        };
        responses: {
            200: components["responses"]["SyncFolder"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NoSuchSyncFolder"];
            409: components["responses"]["SyncConflict"];
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
            /** @description The session has no agent, or does not run. */
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
            /**
             * @description The session is deleted or hibernated after this save (a hibernation can be cancelled with `PATCH` and the state `running`), or
             *     it has no agent, or does not run.
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
    getAutosave: {
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
            /** @description The content of the autosave. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AutosaveContent"];
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
    autosavesPage: {
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
