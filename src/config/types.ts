import type { configKeys, sessionDefaults, uiChoices } from './keys.ts';
import type { Read } from './readers.ts';

type Keys = Read<typeof configKeys>;

/**
 * The configuration of the service, validated and frozen. keys.ts has every key with its default and meaning. Names are
 * those of the configuration file and of the `NB_` variables (`sessions.git_proxy.port` is `NB_SESSIONS__GIT_PROXY__PORT`),
 * so that a search for a key finds the lines that read it.
 */
export interface Config extends Omit<Keys, 'server_options'> {
  /** Includes the content of the files of `server_options.defaults_path` and `server_options.ui_choices_path`. */
  readonly server_options: {
    readonly defaults: Read<typeof sessionDefaults>;
    readonly ui_choices: Read<typeof uiChoices>;
  };
}

/** The parts that the writer of JupyterServer objects and their Secrets uses. */
export type ManifestConfig = Pick<
  Config,
  'amalthea' | 'cloud_storage' | 'git' | 'k8s' | 'keycloak_realm' | 'sessions' | 'version'
>;

/** The parts that a launch uses. */
export type LaunchConfig = ManifestConfig & Pick<Config, 'server_options'>;

/** The parts that responses about sessions use. */
export type PresentationConfig = Pick<Config, 'cloud_storage' | 'sessions'>;

/** The Sentry to which a program in a session reports its errors. */
export type Sentry = Config['sessions']['git_clone']['sentry'];
