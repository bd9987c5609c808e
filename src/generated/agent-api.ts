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
         * The last 50 operations, the newest first
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
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
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
             *     - `internal`: a defect of the agent.
             * @enum {string}
             */
            reason: "unauthorized" | "forbidden" | "invalid" | "not-found" | "no-repository" | "push-rejected" | "unreachable" | "credentials" | "disk-full" | "git" | "cancelled" | "interrupted" | "internal";
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
            /** @description Local branches, or a detached HEAD (name null), with commits that no remote branch has. */
            branches: {
                name: string | null;
                commits: number;
            }[];
            stashes: number;
            /** @description LFS objects that the remote repository does not have. */
            lfs: {
                objects: number;
                bytes: number;
            };
            submodules: {
                path: string;
                files: components["schemas"]["Files"];
                commits: number;
            }[];
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
        };
        /** @description Files with changes that are not committed, and untracked files. */
        Files: {
            count: number;
            bytes: number;
            /** @description Relative paths, in order. Bytes that are not UTF-8 are replaced. */
            names: string[];
        };
        NotSaved: {
            path: string;
            bytes: number;
            /**
             * @description `ignored`: a large ignored file. `special-file`: a socket, pipe or device. `changing`: the file changed during the whole save.
             *     `filtered`: only on the volume, because a filter of the repository protects the file.
             * @enum {string}
             */
            reason: "ignored" | "nested-repository" | "special-file" | "unreadable" | "changing" | "too-large" | "filtered";
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
            kind: "save";
            reason: string;
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
                step: "waiting" | "stopping-kernels" | "scanning" | "collecting" | "pushing" | "verifying" | "done";
                /** @description Bytes or files of the step. */
                done: number;
                total: number | null;
            };
            /**
             * @description Of an operation that has succeeded. Of a failed save with `location` = `volume` too: the remote repository could not be
             *     reached, and the work is in a file on the session's volume, which the next start pushes.
             */
            result: components["schemas"]["SaveResult"] | null;
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
    requestBodies: never;
    headers: never;
    pathItems: never;
}
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
export type ResponseError = components['responses']['Error'];
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
}
