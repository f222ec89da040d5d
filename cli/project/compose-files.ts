// What lies around a Compose file: the variables of `.env`, and the files that it names.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ManifestError } from '../apply/manifest.ts';
import { parseEnvFile } from '../compose/env-file.ts';
import type { Environment } from '../options.ts';
import { UsageError } from '../usage-error.ts';

/** Far above what a config, a secret or a file of variables holds. */
const LONGEST_FILE = 16_000_000;

/** Absolute; the working directory for a file that came over standard input. */
export function composeFolder(file: string): string {
  return file === 'standard input' ? resolve('.') : dirname(resolve(file));
}

/** @throws ManifestError when it cannot be read */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ManifestError({ file }, `cannot be read: ${(error as Error).message}`);
  }
}

/** A file as a Compose file in `folder` names it. @throws Error that says why it cannot be read */
export function readBeside(folder: string, path: string): Buffer {
  const full = resolve(folder, path);
  try {
    const { size } = statSync(full);
    if (size > LONGEST_FILE) throw new Error(`it has ${size} bytes; ${LONGEST_FILE} is the most`);
    return readFileSync(full);
  } catch (error) {
    throw new Error(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * The variables of the process, and of `.env` beside the file those that the process has not.
 *
 * @param envFile another file instead of `.env`, which must exist
 */
export function composeVariables(
  folder: string,
  envFile: string | undefined,
  environment: Environment,
): Environment {
  const file = envFile ?? resolve(folder, '.env');
  if (envFile === undefined && !existsSync(file)) return environment;
  try {
    const text = readBeside('.', file).toString('utf8');
    return { ...parseEnvFile(text, { variables: environment }), ...environment };
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}`, { cause: error });
  }
}
