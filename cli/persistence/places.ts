// The words that name where a state lies: a URL of an instance, or the path of a backup file.
import { dataDirectoryAt, servingPid } from '../data-directory.ts';
import { join } from 'node:path';
import type { OptionTable } from '../options.ts';
import { UsageError } from '../usage-error.ts';

export type Place =
  { readonly type: 'url'; readonly url: string } | { readonly type: 'file'; readonly path: string };

const SCHEMES = /^(?:sqlite|s3|nfs|module):/;

/** @param flag for the message. @throws UsageError */
export function placeOf(text: string, flag: string): Place {
  if (SCHEMES.test(text)) return { type: 'url', url: text };
  const path = text.startsWith('file:') ? text.slice('file:'.length) : text;
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(path)?.[1];
  if (scheme !== undefined)
    throw new UsageError(
      `${flag}: ${scheme}: is not known; it is the path of a file, or sqlite:PATH, nfs:PATH or s3://BUCKET/PREFIX`,
    );
  if (path === '') throw new UsageError(`${flag} needs a path or a URL`);
  return { type: 'file', path };
}

/** @throws UsageError for what is no URL of an instance */
export function urlOf(text: string, flag: string): string {
  const place = placeOf(text, flag);
  if (place.type === 'url') return place.url;
  throw new UsageError(
    `${flag} must be the URL of an instance (sqlite:PATH, nfs:PATH, s3://BUCKET/PREFIX), found ${JSON.stringify(text)}`,
  );
}

export const jsonOption = {
  json: { type: 'boolean', help: 'Print the result as JSON, and no progress' },
} as const satisfies OptionTable;

/** Which instances a server on this data directory would have. */
export const persistenceOption = {
  persistence: {
    type: 'list',
    placeholder: 'URL',
    help: 'Instances, as given to windlass up (default: state.db in the data directory)',
  },
} as const satisfies OptionTable;

export interface StateValues {
  readonly kubeconfig: string | undefined;
  readonly 'data-dir': string;
}

/** Whether to ask a server: one that was named, or the one that runs on the data directory. */
export function isServed(values: StateValues): boolean {
  return (
    values.kubeconfig !== undefined || servingPid(dataDirectoryAt(values['data-dir'])) !== undefined
  );
}

/** The URLs of the instances of a data directory. */
export function urlsOf(given: readonly string[], dataDir: string): readonly string[] {
  return given.length > 0
    ? given.map((url) => urlOf(url, '--persistence'))
    : [`sqlite:${join(dataDirectoryAt(dataDir).path, 'state.db')}`];
}

/** @param flag for the message. @throws UsageError for what can be no kind of the log */
export function kindOf(text: string, flag: string): string {
  if (/^[^/\s]+\/[^/\s]+$/.test(text)) return text;
  throw new UsageError(
    `${flag} must be GROUP/PLURAL, as core/pods or windlass.dev/services, found ${JSON.stringify(text)}`,
  );
}
