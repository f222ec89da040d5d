// What `startControlPlane` takes from JavaScript that no compiler has checked.
import { resolve } from 'node:path';
import type { LogLevel } from '#platform/logging.ts';

export interface ControlPlaneOptions {
  /** Folder of the state, kept after `stop()`; the same folder goes on where it was. By default a temporary one, removed by `stop()`. */
  readonly dataDir?: string | undefined;
  /** TCP port on 127.0.0.1; by default any that is free. */
  readonly port?: number | undefined;
  /**
   * Whether namespaces empty themselves, dependents go with their owner, service accounts appear, Services roll out, …; and our own
   * kinds are installed. True by default; false: an API server alone.
   */
  readonly controllers?: boolean | undefined;
  /** There from the first request on: CustomResourceDefinitions, namespaces, …; those that exist are brought up to date. */
  readonly objects?: readonly object[] | undefined;
  /** Of what goes to standard error; by default only errors. */
  readonly logLevel?: LogLevel | undefined;
}

export interface Settings {
  readonly dataDir: string | undefined;
  readonly port: number;
  readonly controllers: boolean;
  readonly objects: readonly object[];
  readonly logLevel: LogLevel;
}

const NAMES = ['dataDir', 'port', 'controllers', 'objects', 'logLevel'];
const LEVELS: readonly unknown[] = ['error', 'warn', 'info', 'debug'];

/** @throws TypeError naming the option, what was found and what it takes */
export function checkOptions(options: ControlPlaneOptions): Settings {
  for (const name of Object.keys(options))
    if (!NAMES.includes(name))
      throw new TypeError(`startControlPlane: no option ${name}; there are ${NAMES.join(', ')}`);
  const { dataDir, port = 0, controllers = true, objects = [], logLevel = 'error' } = options;
  const must = (name: string, value: unknown, isRight: boolean, what: string): void => {
    if (!isRight)
      throw new TypeError(
        `startControlPlane: ${name} must be ${what}, not ${JSON.stringify(value) ?? typeof value}`,
      );
  };
  must('dataDir', dataDir, dataDir === undefined || isText(dataDir), 'the path of a folder');
  must('port', port, Number.isInteger(port) && port >= 0 && port <= 65_535, '0 to 65535');
  must('controllers', controllers, typeof controllers === 'boolean', 'true or false');
  must('objects', objects, Array.isArray(objects) && objects.every(isObject), 'a list of objects');
  must('logLevel', logLevel, LEVELS.includes(logLevel), LEVELS.join(', '));
  return {
    dataDir: dataDir === undefined ? undefined : resolve(dataDir),
    port,
    controllers,
    objects,
    logLevel,
  };
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
