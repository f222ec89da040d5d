// The short forms of files in instances: `FILE:PATH` for the content of a file here, `NAME[/KEY][:PATH]` for a key of a Secret. Pure.
import { UsageError } from '../usage-error.ts';

/** @throws UsageError that says which part is wrong */
export function parseConfig(text: string): { readonly file: string; readonly path: string } {
  const colon = text.lastIndexOf(':');
  const [file, path] = [text.slice(0, Math.max(0, colon)), text.slice(colon + 1)];
  if (file === '') throw new UsageError(`--mount-config ${text}: write it as FILE:PATH`);
  if (!path.startsWith('/'))
    throw new UsageError(
      `--mount-config ${text}: the path in the container, '${path}', must be absolute`,
    );
  return { file, path };
}

/** Without a path, where Compose puts secrets. @throws UsageError that says which part is wrong */
export function parseSecret(text: string): {
  readonly name: string;
  readonly key: string | undefined;
  readonly path: string;
} {
  const match = /^([a-z0-9][a-z0-9.-]*)(?:\/([-._a-zA-Z0-9]+))?(?::(.*))?$/.exec(text);
  if (match === null)
    throw new UsageError(`--secret ${text}: write it as NAME[/KEY][:PATH], NAME being a Secret's`);
  const [, name = '', key, path = `/run/secrets/${key ?? name}`] = match;
  if (!path.startsWith('/'))
    throw new UsageError(
      `--secret ${text}: the path in the container, '${path}', must be absolute`,
    );
  return { name, key, path };
}
