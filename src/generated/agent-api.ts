/* Generated from src/session-contract/agent.openapi.yaml by `npm run generate`. Do not edit. */

export interface paths {
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the agent works, for the probes of the kubelet */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/work": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What would be lost if the session's files were deleted now
         * @description Scope: `read`. Runs git; takes about as long as `git status`.
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
    "/v1/saves": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Saves everything that is not pushed
         * @description Scope: `save`. Starts an operation. Only one save runs at a time: a request with the `id` of a known save of this pod returns that
         *     save, and any other request while a save runs waits for that save and then starts.
         */
        post: operations["createSave"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/operations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The last operations, the newest first, with at most 20 saves, 20 snapshots and 10 restores
         * @description Scope: `read`.
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
    "/v1/operations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["Id"];
            };
            cookie?: never;
        };
        /**
         * An operation
         * @description Scope: `read`.
         */
        get: operations["getOperation"];
        put?: never;
        post?: never;
        /**
         * Cancels an operation
         * @description Scope: `save`. A cancelled save leaves the repository as it was. An operation that has ended is not changed.
         */
        delete: operations["cancelOperation"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/discard": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Lets the session end without a save, as its owner has decided
         * @description Scope: `discard`. Cancels all saves. The agent does not save at the end of the session, if the end begins within 5 minutes and no
         *     other save is requested until then.
         */
        post: operations["discardWork"];
        /**
         * Saves at the end of the session again, because the session was not deleted
         * @description Scope: `discard`. Cancelled saves stay cancelled.
         */
        delete: operations["keepWork"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Gives the git proxy new tokens of the user
         * @description Scope: `tokens`. The tokens are kept in memory only.
         */
        put: operations["putTokens"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/server": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The state of the Jupyter server
         * @description Scope: `kernels`. The supervisor of the session answers this request and those at `/v1/kernels`.
         */
        get: operations["getServer"];
        put?: never;
        /**
         * Starts the Jupyter server
         * @description Scope: `kernels`.
         */
        post: operations["startServer"];
        /**
         * Ends the Jupyter server and its kernels
         * @description Scope: `kernels`.
         */
        delete: operations["stopServer"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/server/restart": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Starts the Jupyter server anew; its kernels continue
         * @description Scope: `kernels`.
         */
        post: operations["restartServer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/kernels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The kernels of the session
         * @description Scope: `kernels`.
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
    "/v1/kernels/sync": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Compares the recorded kernels with the running ones
         * @description Scope: `kernels`.
         */
        post: operations["syncKernels"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/kernels/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["KernelId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Ends a kernel
         * @description Scope: `kernels`.
         */
        delete: operations["endKernel"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/kernels/{id}/interrupt": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["KernelId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Interrupts a kernel
         * @description Scope: `kernels`.
         */
        post: operations["interruptKernel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/kernels/{id}/restart": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["KernelId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Starts a kernel anew, with the same id
         * @description Scope: `kernels`.
         */
        post: operations["restartKernel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/kernels/{id}/snapshots": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["KernelId"];
            };
            cookie?: never;
        };
        /**
         * The snapshots of a kernel, the newest first
         * @description Scope: `kernels`.
         */
        get: operations["listSnapshots"];
        put?: never;
        /**
         * Takes a snapshot of a kernel
         * @description Scope: `kernels`. Starts an operation, which is `waiting` until the kernel is between two cells. Within a few seconds after the
         *     last snapshot of the kernel, and while another is taken, the operation ends at once as `skipped`.
         */
        post: operations["takeSnapshot"];
        /**
         * Deletes all snapshots of a kernel
         * @description Scope: `kernels`.
         */
        delete: operations["deleteSnapshots"];
        options?: never;
        head?: never;
        /**
         * Whether snapshots are taken after cells
         * @description Scope: `kernels`.
         */
        patch: operations["setAutomaticSnapshots"];
        trace?: never;
    };
    "/v1/kernels/{id}/snapshots/{snapshot}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["KernelId"];
                snapshot: components["schemas"]["SnapshotId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Deletes a snapshot
         * @description Scope: `kernels`.
         */
        delete: operations["deleteSnapshot"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/kernels/{id}/snapshots/{snapshot}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["KernelId"];
                snapshot: components["schemas"]["SnapshotId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Gives a kernel the variables of a snapshot
         * @description Scope: `kernels`. Starts an operation, which is `waiting` until the kernel is between two cells. A kernel that does not run is
         *     started with the same id. If the operation fails, the kernel has the variables that it had before.
         */
        post: operations["restoreSnapshot"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sync-folders": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The folders that are synchronized with a remote
         * @description Scope: `sync`.
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
    "/v1/sync-folders/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["SyncFolderId"];
            };
            cookie?: never;
        };
        /**
         * A synchronized folder
         * @description Scope: `sync`.
         */
        get: operations["getSyncFolder"];
        /**
         * Synchronizes a folder, or changes its settings
         * @description Scope: `sync`. The first round starts at once. `path`, and the type, path and options of the remote, can be changed: then the folder
         *     is compared with the remote as a new one, which deletes nothing.
         */
        put: operations["putSyncFolder"];
        post?: never;
        /**
         * Ends the synchronization
         * @description Scope: `sync`. The files of both sides stay. The credentials and the backups on the session's volume are deleted.
         */
        delete: operations["deleteSyncFolder"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sync-folders/{id}/sync": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["SyncFolderId"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Starts a round now
         * @description Scope: `sync`. While a round runs, that round ends first. With `deletions`, the owner confirms the deletions of a suspended folder.
         */
        post: operations["startSyncRound"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sync-folders/{id}/operations": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["SyncFolderId"];
            };
            cookie?: never;
        };
        /**
         * The rounds that requests started
         * @description Scope: `sync`. The last 20 of the folder, the newest first, until the agent ends.
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
    "/v1/sync-folders/{id}/operations/{operation}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["SyncFolderId"];
                operation: components["schemas"]["Id"];
            };
            cookie?: never;
        };
        /**
         * A round that a request started
         * @description Scope: `sync`. The last 20 of a folder, until the agent ends.
         */
        get: operations["getSyncOperation"];
        put?: never;
        post?: never;
        /**
         * Cancels a round
         * @description Scope: `sync`. What was synchronized stays. The next round starts after the interval.
         */
        delete: operations["cancelSyncOperation"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sync-folders/{id}/conflicts/{conflict}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["SyncFolderId"];
                conflict: components["schemas"]["Id"];
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resolves a conflict
         * @description Scope: `sync`. The version that the owner does not want goes to the backup folder. The next round, which starts at once, changes the
         *     remote.
         */
        post: operations["resolveSyncConflict"];
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
        };
        KernelList: {
            kernels: components["schemas"]["Kernel"][];
            /** @description Why Jupyter, or the records of its kernels, did not say more about them. */
            jupyter: string | null;
        };
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
        SyncFolderId: string;
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
            /** @description `webdav`, `s3`, `sftp`, `local`, or another type that the platform permits. */
            type: string;
            /** @description The folder at the remote, relative to its top; empty: the top. */
            path: string;
            /** @description Settings of the type that are no secrets. */
            options: {
                [key: string]: string;
            };
        };
        SyncFolder: {
            id: components["schemas"]["SyncFolderId"];
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
        SyncFolderList: {
            folders: components["schemas"]["SyncFolder"][];
            /** @description Folders that the volume remembers and that cannot be synchronized. */
            unusable: components["schemas"]["UnusableSyncFolder"][];
        };
        UnusableSyncFolder: {
            id: components["schemas"]["SyncFolderId"];
            /** @description Why the folder is not synchronized. */
            message: string;
        };
        SyncStatus: {
            /**
             * @description `suspended`: the owner must confirm the deletions in `suspension`, and until then nothing is changed. `error`: the last round failed;
             *     the next one starts at `error.retryAt`. `paused`: the owner has paused the synchronization.
             * @enum {string}
             */
            state: "idle" | "syncing" | "suspended" | "error" | "paused";
            lastRound: components["schemas"]["SyncRound"] | null;
            /**
             * Format: date-time
             * @description The start of the last round without an error: older changes are on both sides.
             */
            lastSuccessAt: string | null;
            counters: components["schemas"]["SyncCounters"];
            conflicts: components["schemas"]["SyncConflict"][];
            conflictCount: number;
            error: components["schemas"]["SyncError"] | null;
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
        };
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
        SyncConflict: {
            id: components["schemas"]["Id"];
            path: string;
            /**
             * @description `both-changed`: the version of the remote is at `copy`. `deleted-here`, `deleted-there`: the session or the remote has deleted the
             *     file, and the other side has changed it; the change stays. `kind-changed`: a file at one side (now at `copy`), a folder at the other.
             * @enum {string}
             */
            kind: "both-changed" | "deleted-here" | "deleted-there" | "kind-changed";
            /** @description The version of the session. */
            mine: components["schemas"]["SyncVersion"] | null;
            /** @description The version of the remote. */
            theirs: components["schemas"]["SyncVersion"] | null;
            copy: string | null;
            /** Format: date-time */
            since: string;
        };
        SyncVersion: {
            size: number;
            /** Format: date-time */
            modifiedAt: string | null;
        };
        SyncError: {
            /**
             * @description `unauthorized`: the credentials are invalid or have expired. `quota`: the remote has no space. `rejected`: the platform does not permit
             *     the address or the type. `too-many`: one side has too many files and folders. `local`: the folder of the session. `disk-full`: the volume of the session. `suspended`: see `suspension`; only of operations.
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
        };
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
            id: components["schemas"]["Id"];
            podUid: string;
            folder: components["schemas"]["SyncFolderId"];
            /** @enum {string} */
            state: "waiting" | "running" | "succeeded" | "failed" | "cancelled";
            /** @description Increases with every change of the operation. */
            version: number;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            finishedAt: string | null;
            /** @description What the round has done, also while it runs and after a failure. */
            result: components["schemas"]["SyncRound"] | null;
            /** @description Of a failed operation. */
            error: components["schemas"]["SyncError"] | null;
        };
        KernelId: string;
        SnapshotId: string;
        SnapshotList: {
            snapshots: components["schemas"]["Snapshot"][];
            engines: {
                name: string;
                /** @description Why the engine cannot take a snapshot of the kernel. */
                unavailable: string | null;
            }[];
            /** @description Whether a snapshot is taken after cells. */
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
            /** @description The part of the size that is shared with the snapshot before. */
            reused_bytes: number;
            engine: string;
            /** @description The Python module that saved the variables. */
            pickler: string;
            python: string;
            /** @description How long the kernel could not run cells. */
            frozen_ms: number;
            variables: number;
            not_saved: components["schemas"]["NotSavedVariable"][];
            not_saved_count: number;
        };
        NotSavedVariable: {
            name: string;
            type: string;
            reason: string;
        };
        SnapshotResult: {
            kernel_id: string;
            /** @description The snapshot that was taken or restored. */
            snapshot: components["schemas"]["Snapshot"] | null;
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
        };
        Id: string;
        Error: {
            /**
             * @description - `unauthorized`: no valid token. `forbidden`: the token has another scope.
             *     - `invalid`: the request is invalid. `not-found`: no such operation.
             *     - `no-repository`: the work tree is missing or damaged.
             *     - `push-rejected`: the git server rejected the push, for example because of missing permission or a protected branch.
             *     - `unreachable`: the git server, or the git proxy, does not respond.
             *     - `credentials`: the tokens have expired and could not be refreshed.
             *     - `disk-full`: the volume has no space.
             *     - `git`: another failure of git.
             *     - `cancelled`: a caller cancelled the operation.
             *     - `interrupted`: the agent ended during the operation.
             *     - `unavailable`: the session has no supervisor. `no-response`: its supervisor does not respond, or not with valid JSON.
             *     - `conflict`: the state of the Jupyter server or of a kernel does not allow the request.
             *     - `kernel`: the kernel could not do it.
             *     - `jupyter`: the Jupyter server does not start, does not respond, or rejects the request.
             *     - `internal`: a defect of the agent.
             * @enum {string}
             */
            reason: "unauthorized" | "forbidden" | "invalid" | "not-found" | "no-repository" | "push-rejected" | "unreachable" | "credentials" | "disk-full" | "git" | "cancelled" | "interrupted" | "unavailable" | "no-response" | "conflict" | "kernel" | "jupyter" | "internal";
            /** @description A sentence for the user: what failed, why, and what to do. No credentials. */
            message: string;
        };
        Work: {
            podUid: string;
            /** Format: date-time */
            checkedAt: string;
            /** @description null if HEAD is detached. */
            branch: string | null;
            /** @description Full id of HEAD; null if the branch has no commit. */
            commit: string | null;
            /** @description Whether nothing would be lost. Work that is saved at the remote repository is not lost. */
            isClean: boolean;
            /** @description Whether the user may push to the repository. */
            canPush: boolean;
            /** @enum {string|null} */
            inProgress: "merge" | "rebase" | "cherry-pick" | "revert" | "bisect" | "am" | null;
            files: components["schemas"]["Files"];
            /** @description Local branches, or a detached HEAD (name null), with commits that no remote branch has, most commits first. */
            branches: {
                name: string | null;
                commits: number;
            }[];
            /** @description The number of such branches, also of those that the list does not have. */
            branchCount?: number;
            /** @description The number of commits that no remote branch has, of all branches and tags. */
            commits?: number;
            /** @description Tags that the remote repository did not have when the agent last compared them. */
            tags?: {
                count: number;
                names: string[];
            };
            stashes: number;
            /** @description LFS objects that the remote repository does not have. */
            lfs: {
                objects: number;
                bytes: number;
            };
            /** @description Submodules with changes, with at most 10 names of files each. */
            submodules: {
                path: string;
                files: components["schemas"]["Files"];
                commits: number;
                /** @description Local tags. */
                tags?: number;
            }[];
            /** @description The number of such submodules, also of those that the list does not have. */
            submoduleCount?: number;
            /** @description Remotes of the repository to which the session cannot push. */
            remotes: {
                name: string;
                reason: string;
            }[];
            notSavable: components["schemas"]["NotSaved"][];
            /** @description The last save. */
            savedAs: {
                branch: string;
                commit: string;
                location: components["schemas"]["Location"];
                /** Format: date-time */
                savedAt: string;
                /** @description Whether the save has everything that is there now. */
                isCurrent: boolean;
            } | null;
            /** @description The autosave that was restored when the repository of the session was cloned. Null if there was none. Not there in earlier versions. */
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
            /** @description Branches of the remote repository that were saved from this work tree, or recovered into it. An older agent omits this. */
            autosaves?: string[];
        };
        /** @description Files with changes that are not committed, and untracked files. */
        Files: {
            count: number;
            bytes: number;
            /** @description Relative paths, in order. Bytes that are not UTF-8 are replaced, and the middle of long paths. */
            names: string[];
        };
        NotSaved: {
            path: string;
            bytes: number;
            /**
             * @description `ignored`: a large ignored file or folder, and no cache. `special-file`: a socket, pipe or device, or a tag of something other than a commit. `changing`: the file changed during the whole save.
             *     `filtered`: only on the volume, because a filter of the repository protects the file. `earlier-save`: an autosave that only the
             *     volume has, and that the work tree does not have completely; `path` is its branch.
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
        Location: "remote" | "volume" | "none";
        SaveRequest: {
            id?: components["schemas"]["Id"];
            /** @enum {string} */
            reason: "user" | "stop" | "hibernate" | "cull" | "pre-stop";
            /**
             * @description Whether the session ends after the save: the agent first ends kernels and terminals, and saves again until the files
             *     no longer change. `isVerified` of the result then permits the deletion of the files.
             */
            isFinal: boolean;
            /**
             * @description Seconds after the start of the save in which the git server is used. After that, the save goes to the volume. Without it, a
             *     push may take any time.
             */
            pushSeconds?: number;
        };
        SaveResult: {
            location: components["schemas"]["Location"];
            branch: string | null;
            commit: string | null;
            /** @description Whether the remote repository has everything (the ref was read back, and a scan found no later change), or there was nothing to save. */
            isVerified: boolean;
            files: number;
            commits: number;
            changedMeanwhile: string[];
            notSaved: components["schemas"]["NotSaved"][];
        };
        Operation: {
            id: components["schemas"]["Id"];
            podUid: string;
            /** @enum {string} */
            kind: "save" | "snapshot" | "restore";
            reason: string;
            /** @description False, except of saves. */
            isFinal: boolean;
            /** @enum {string} */
            state: "waiting" | "running" | "succeeded" | "failed" | "cancelled";
            /** @description Increases with every change of the operation. */
            version: number;
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
            /**
             * @description Of a save that has succeeded. Of a failed save with `location` = `volume` too: the remote repository could not be
             *     reached, and the work is in a file on the session's volume, which the next start pushes.
             */
            result: components["schemas"]["SaveResult"] | null;
            /** @description Of an operation with a snapshot; also while it is in progress. An older agent omits this. */
            snapshot?: components["schemas"]["SnapshotResult"] | null;
            error: components["schemas"]["Error"] | null;
        };
        Tokens: {
            gitToken: string;
            /** @description Seconds since the epoch; -1: never. */
            gitTokenExpiresAt: number;
            accessToken?: string;
            refreshToken?: string;
        };
    };
    responses: {
        /** @description The state of the Jupyter server. */
        Server: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["JupyterServerStatus"];
            };
        };
        /** @description The kernels. */
        Kernels: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["KernelList"];
            };
        };
        /** @description The report. */
        Sync: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["SyncReport"];
            };
        };
        /** @description The snapshots. */
        Snapshots: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["SnapshotList"];
            };
        };
        /** @description The operation. */
        Operation: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Operation"];
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
        /** @description Jupyter did it. */
        Done: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": Record<string, unknown>;
            };
        };
        /** @description The request failed. */
        Error: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    error: components["schemas"]["Error"];
                };
            };
        };
    };
    parameters: never;
    requestBodies: {
        StartServer: {
            content: {
                "application/json": {
                    gateway_url?: string;
                };
            };
        };
    };
    headers: never;
    pathItems: never;
}
export type JupyterServerStatus = components['schemas']['JupyterServerStatus'];
export type KernelList = components['schemas']['KernelList'];
export type Kernel = components['schemas']['Kernel'];
export type SyncReport = components['schemas']['SyncReport'];
export type SyncedKernels = components['schemas']['SyncedKernels'];
export type SyncFolderId = components['schemas']['SyncFolderId'];
export type SyncFolderRequest = components['schemas']['SyncFolderRequest'];
export type SyncRemote = components['schemas']['SyncRemote'];
export type SyncFolder = components['schemas']['SyncFolder'];
export type SyncFolderList = components['schemas']['SyncFolderList'];
export type UnusableSyncFolder = components['schemas']['UnusableSyncFolder'];
export type SyncStatus = components['schemas']['SyncStatus'];
export type SyncRound = components['schemas']['SyncRound'];
export type SyncCounters = components['schemas']['SyncCounters'];
export type SyncConflict = components['schemas']['SyncConflict'];
export type SyncVersion = components['schemas']['SyncVersion'];
export type SyncError = components['schemas']['SyncError'];
export type SyncSkipped = components['schemas']['SyncSkipped'];
export type SyncRequest = components['schemas']['SyncRequest'];
export type SyncOperation = components['schemas']['SyncOperation'];
export type KernelId = components['schemas']['KernelId'];
export type SnapshotId = components['schemas']['SnapshotId'];
export type SnapshotList = components['schemas']['SnapshotList'];
export type Snapshot = components['schemas']['Snapshot'];
export type NotSavedVariable = components['schemas']['NotSavedVariable'];
export type SnapshotResult = components['schemas']['SnapshotResult'];
export type Id = components['schemas']['Id'];
export type Error = components['schemas']['Error'];
export type Work = components['schemas']['Work'];
export type Files = components['schemas']['Files'];
export type NotSaved = components['schemas']['NotSaved'];
export type Location = components['schemas']['Location'];
export type SaveRequest = components['schemas']['SaveRequest'];
export type SaveResult = components['schemas']['SaveResult'];
export type Operation = components['schemas']['Operation'];
export type Tokens = components['schemas']['Tokens'];
export type ResponseServer = components['responses']['Server'];
export type ResponseKernels = components['responses']['Kernels'];
export type ResponseSync = components['responses']['Sync'];
export type ResponseSnapshots = components['responses']['Snapshots'];
export type ResponseOperation = components['responses']['Operation'];
export type ResponseSyncFolder = components['responses']['SyncFolder'];
export type ResponseSyncOperation = components['responses']['SyncOperation'];
export type ResponseDone = components['responses']['Done'];
export type ResponseError = components['responses']['Error'];
export type RequestBodyStartServer = components['requestBodies']['StartServer'];
export type $defs = Record<string, never>;
export interface operations {
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The agent works. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "running";
                    };
                };
            };
        };
    };
    getWork: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The state of the work. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Work"];
                };
            };
            default: components["responses"]["Error"];
        };
    };
    createSave: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SaveRequest"];
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
            default: components["responses"]["Error"];
        };
    };
    listOperations: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
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
                    "application/json": {
                        operations: components["schemas"]["Operation"][];
                    };
                };
            };
            default: components["responses"]["Error"];
        };
    };
    getOperation: {
        parameters: {
            query?: {
                /**
                 * @description Seconds. The response is sent when the operation has another `version` than the parameter `version`, or has ended, or
                 *     after this time.
                 */
                wait?: number;
                version?: number;
            };
            header?: never;
            path: {
                id: components["schemas"]["Id"];
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
            default: components["responses"]["Error"];
        };
    };
    cancelOperation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["Id"];
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
            default: components["responses"]["Error"];
        };
    };
    discardWork: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session ends without a save. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    keepWork: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The agent saves at the end of the session. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    putTokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Tokens"];
            };
        };
        responses: {
            /** @description The git proxy uses the tokens. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Error"];
        };
    };
    getServer: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Server"];
            default: components["responses"]["Error"];
        };
    };
    startServer: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: components["requestBodies"]["StartServer"];
        responses: {
            200: components["responses"]["Server"];
            201: components["responses"]["Server"];
            default: components["responses"]["Error"];
        };
    };
    stopServer: {
        parameters: {
            query?: {
                /** @description Whether busy kernels are ended */
                force?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Server"];
            default: components["responses"]["Error"];
        };
    };
    restartServer: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Server"];
            default: components["responses"]["Error"];
        };
    };
    listKernels: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Kernels"];
            default: components["responses"]["Error"];
        };
    };
    syncKernels: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Sync"];
            default: components["responses"]["Error"];
        };
    };
    endKernel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["KernelId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Done"];
            default: components["responses"]["Error"];
        };
    };
    interruptKernel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["KernelId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Done"];
            default: components["responses"]["Error"];
        };
    };
    restartKernel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["KernelId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Done"];
            default: components["responses"]["Error"];
        };
    };
    listSnapshots: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["KernelId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Snapshots"];
            default: components["responses"]["Error"];
        };
    };
    takeSnapshot: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["KernelId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    label?: string;
                    /** @description How many snapshots that users took are kept. Older ones are deleted. */
                    keep?: number;
                    /**
                     * @description The default: criu if it is available.
                     * @enum {string}
                     */
                    engine?: "namespace" | "criu";
                };
            };
        };
        responses: {
            202: components["responses"]["Operation"];
            default: components["responses"]["Error"];
        };
    };
    deleteSnapshots: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["KernelId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Done"];
            default: components["responses"]["Error"];
        };
    };
    setAutomaticSnapshots: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["KernelId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    automatic?: boolean;
                };
            };
        };
        responses: {
            200: components["responses"]["Snapshots"];
            default: components["responses"]["Error"];
        };
    };
    deleteSnapshot: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["KernelId"];
                snapshot: components["schemas"]["SnapshotId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Done"];
            default: components["responses"]["Error"];
        };
    };
    restoreSnapshot: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["KernelId"];
                snapshot: components["schemas"]["SnapshotId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description Also if packages have other versions. */
                    force?: boolean;
                };
            };
        };
        responses: {
            202: components["responses"]["Operation"];
            default: components["responses"]["Error"];
        };
    };
    listSyncFolders: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
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
                    "application/json": components["schemas"]["SyncFolderList"];
                };
            };
            default: components["responses"]["Error"];
        };
    };
    getSyncFolder: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["SyncFolderId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["SyncFolder"];
            default: components["responses"]["Error"];
        };
    };
    putSyncFolder: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["SyncFolderId"];
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
            201: components["responses"]["SyncFolder"];
            default: components["responses"]["Error"];
        };
    };
    deleteSyncFolder: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["SyncFolderId"];
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
            default: components["responses"]["Error"];
        };
    };
    startSyncRound: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["SyncFolderId"];
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
            default: components["responses"]["Error"];
        };
    };
    listSyncOperations: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["SyncFolderId"];
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
                    "application/json": {
                        operations: components["schemas"]["SyncOperation"][];
                    };
                };
            };
            default: components["responses"]["Error"];
        };
    };
    getSyncOperation: {
        parameters: {
            query?: {
                /** @description As for `getOperation`. */
                wait?: number;
                version?: number;
            };
            header?: never;
            path: {
                id: components["schemas"]["SyncFolderId"];
                operation: components["schemas"]["Id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["SyncOperation"];
            default: components["responses"]["Error"];
        };
    };
    cancelSyncOperation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["SyncFolderId"];
                operation: components["schemas"]["Id"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["SyncOperation"];
            default: components["responses"]["Error"];
        };
    };
    resolveSyncConflict: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["SyncFolderId"];
                conflict: components["schemas"]["Id"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /**
                     * @description `keep-both`: all files stay, and the conflict is not listed any more. `mine`, `theirs`: the version of the session or of the
                     *     remote gets the path; if that version is the deletion, the file is deleted. Not for the kind `kind-changed`.
                     * @enum {string}
                     */
                    resolution: "keep-both" | "mine" | "theirs";
                };
            };
        };
        responses: {
            200: components["responses"]["SyncFolder"];
            default: components["responses"]["Error"];
        };
    };
}
