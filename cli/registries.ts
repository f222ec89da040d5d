// Where the logins for image registries are: those of `docker login` by the user who runs us. Pure.
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Registries {
  /** Of `config.json`; undefined where there is no home folder. */
  readonly dockerFolder: string | undefined;
  /** For credential helpers. */
  readonly environment: Environment;
}

export function registriesOf(environment: Environment): Registries {
  const { DOCKER_CONFIG: folder, HOME: home } = environment;
  const dockerFolder = folder ?? (home === undefined ? undefined : join(home, '.docker'));
  return { dockerFolder, environment };
}
