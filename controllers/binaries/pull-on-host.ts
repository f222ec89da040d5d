// A host fetches a file itself, with curl or wget. The digest is compared there before the file gets the name that was asked for.
import type { CommandResult, HostDriver } from '../hosts/host-driver.ts';
import { ArtifactError } from './artifact-error.ts';
import type { Headers } from './http-answer.ts';
import { redirected, requireSecretChannel } from './http-secrets.ts';
import { redactText, redactURL } from './redact-url.ts';

export interface HostPull {
  readonly url: string;
  /** Secret: they reach the host on standard input, where no list of processes shows them. */
  readonly headers?: Headers;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly path: string;
  readonly mode?: number;
  /** 10 min by default. */
  readonly timeoutMs?: number;
  /** 4 GiB by default. */
  readonly limitBytes?: number;
}

/** The host has nothing to fetch it with; somebody else must. */
export class HostCannotPullError extends ArtifactError {
  constructor(message: string) {
    super('Refused', message);
  }
}

const NO_PROGRAM = 96;
const NO_HEADERS = 97;
/** Of a shell without the program, and of a host without the shell. */
const NO_SHELL = new Set([126, 127]);
/** curl: the length that was said; a write that failed; and the signal of a limit. */
const TOO_LARGE = new Set([63, 153]);
const MOST_REDIRECTS = 5;
/** HOST_ROOT is where a host that is a folder begins. A server that says no length is cut off by the limit of the shell. */
const SCRIPT = `set -u
file="\${HOST_ROOT:-}$1"
mkdir -p "$(dirname "$file")" && umask 077 || exit 1
ulimit -f "$4" 2>/dev/null || true
if command -v curl >/dev/null 2>&1; then curl --config - --output "$file" || exit $?
elif command -v wget >/dev/null 2>&1; then
  [ "$3" = 0 ] || exit ${NO_HEADERS}
  sed -n 's/^url = "\\(.*\\)"$/\\1/p' | wget -nv -i - -O "$file" --max-redirect=5 --timeout=60 --tries=4 || exit $?
else exit ${NO_PROGRAM}
fi
chmod "$2" "$file"`;

/**
 * What was at the path before stays when anything fails.
 *
 * @throws ArtifactError, of which HostCannotPullError; the host's errors; the signal's reason
 */
export async function pullOnHost(
  host: HostDriver,
  pull: HostPull,
  signal: AbortSignal,
): Promise<void> {
  const { path, sha256 } = pull;
  const partial = `${path}.part`;
  const where = redactURL(pull.url);
  try {
    await fetchInto(host, partial, pull, signal);
    const found = await host.digest(partial, signal);
    if (found !== sha256)
      throw new ArtifactError(
        'ChecksumMismatch',
        `${where} on ${host.name}: SHA-256 is ${found ?? 'that of no file'}, and should be ${sha256}; nothing was replaced`,
      );
    await host.rename(partial, path, signal);
  } catch (error) {
    // Also after an abort; what cannot be reached is swept by whoever comes next.
    await host.remove(partial, new AbortController().signal).catch(() => undefined);
    throw error;
  }
}

/** curl sends headers of ours along wherever it is redirected: with some, each redirect is followed here. */
async function fetchInto(
  host: HostDriver,
  file: string,
  pull: HostPull,
  signal: AbortSignal,
): Promise<void> {
  const first = URL.parse(pull.url);
  if (first === null || !/^https?:$/.test(first.protocol))
    throw new ArtifactError('Invalid', `${redactURL(pull.url)} is no URL to fetch from`);
  let url = first;
  for (let hop = 0; hop <= MOST_REDIRECTS; hop += 1) {
    const headers = url.origin === first.origin ? (pull.headers ?? {}) : {};
    const hasSecrets = Object.keys(headers).length > 0;
    if (hasSecrets || url.username !== '') requireSecretChannel(url);
    const stdout = await ask(host, file, { ...pull, headers }, url, signal);
    const location = hasSecrets ? /^3\d\d (.+)$/m.exec(stdout)?.[1] : undefined;
    if (location === undefined) return;
    url = redirected(url, location.trim());
  }
  throw new ArtifactError('Refused', `${redactURL(first)} redirects without end`);
}

async function ask(
  host: HostDriver,
  file: string,
  pull: HostPull & { readonly headers: Headers },
  url: URL,
  signal: AbortSignal,
): Promise<string> {
  const { mode = 0o755, headers, timeoutMs = 600_000, limitBytes = 4 * 2 ** 30 } = pull;
  const hasHeaders = Object.keys(headers).length > 0 ? '1' : '0';
  const blocks = String(Math.ceil(limitBytes / 512));
  const result = await host.exec(
    ['sh', '-c', SCRIPT, 'sh', file, mode.toString(8), hasHeaders, blocks],
    { signal, stdin: curlConfig(url, { headers, timeoutMs, limitBytes }), timeoutMs },
  );
  const problem = problemOf(host, redactURL(url), result, limitBytes);
  if (problem !== undefined) throw problem;
  return result.stdout;
}

function problemOf(
  { name }: HostDriver,
  where: string,
  { exitCode, stderr }: CommandResult,
  limitBytes: number,
): ArtifactError | undefined {
  if (exitCode === 0) return undefined;
  if (NO_SHELL.has(exitCode))
    return new HostCannotPullError(`${name} has no shell to fetch with; use delivery Upload`);
  if (exitCode === NO_PROGRAM)
    return new HostCannotPullError(`${name} has neither curl nor wget; use delivery Upload`);
  if (exitCode === NO_HEADERS)
    return new HostCannotPullError(
      `${name} has no curl, and wget would show the headers to everybody there; use delivery Upload`,
    );
  if (TOO_LARGE.has(exitCode))
    return new ArtifactError(
      'TooLarge',
      `${where} is larger than the limit of ${limitBytes} bytes`,
    );
  const words = redactText(stderr.trim()) || `exit code ${exitCode}`;
  return new ArtifactError('Unreachable', `${name} cannot fetch ${where}: ${words}`);
}

function curlConfig(
  url: URL,
  {
    headers,
    timeoutMs,
    limitBytes,
  }: { readonly headers: Headers; readonly timeoutMs: number; readonly limitBytes: number },
): string {
  const protocols = url.protocol === 'https:' ? '=https' : '=http,https';
  const names = Object.entries(headers);
  const lines = [
    `url = "${quoted(url.href)}"`,
    'silent',
    'show-error',
    'fail',
    ...(names.length === 0
      ? ['location', `max-redirs = ${MOST_REDIRECTS}`]
      : [String.raw`write-out = "%{http_code} %{redirect_url}\n"`]),
    `proto = "${protocols}"`,
    `proto-redir = "${protocols}"`,
    'connect-timeout = 30',
    'speed-limit = 1',
    'speed-time = 60',
    `max-time = ${Math.ceil(timeoutMs / 1000)}`,
    `max-filesize = ${limitBytes}`,
    'retry = 3',
    // A server may ask for a pause of hours.
    `retry-max-time = ${Math.ceil(timeoutMs / 2000)}`,
    ...names.map(([name, value]) => `header = "${quoted(`${name}: ${value}`)}"`),
  ];
  return `${lines.join('\n')}\n`;
}

function quoted(text: string): string {
  return text.replaceAll(/[\r\n]/g, '').replaceAll(/["\\]/g, String.raw`\$&`);
}
