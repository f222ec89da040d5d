// A host fetches a file itself, with curl or wget. The digest is compared there before the file gets the name that was asked for.
import type { HostDriver } from '../hosts/host-driver.ts';
import { ArtifactError } from './artifact-error.ts';
import type { Headers } from './http-answer.ts';
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

const NO_PROGRAM = 96;
const NO_HEADERS = 97;
/** HOST_ROOT is where a host that is a folder begins. */
const SCRIPT = `set -u
file="\${HOST_ROOT:-}$1"
mkdir -p "$(dirname "$file")" && umask 077 || exit 1
if command -v curl >/dev/null 2>&1; then curl --config - --output "$file" || exit $?
elif command -v wget >/dev/null 2>&1; then
  [ "$3" = 0 ] || exit ${NO_HEADERS}
  sed -n 's/^url = "\\(.*\\)"$/\\1/p' | wget -nv -i - -O "$file" --max-redirect=5 --timeout=60 --tries=4 || exit $?
else exit ${NO_PROGRAM}
fi
chmod "$2" "$file"`;

/** What was at the path before stays when anything fails. @throws ArtifactError; the host's errors; the signal's reason */
export async function pullOnHost(
  host: HostDriver,
  pull: HostPull,
  signal: AbortSignal,
): Promise<void> {
  const { path, sha256, mode = 0o755, headers = {}, timeoutMs = 600_000 } = pull;
  const partial = `${path}.part`;
  const where = redactURL(pull.url);
  try {
    const hasHeaders = Object.keys(headers).length > 0 ? '1' : '0';
    const result = await host.exec(
      ['sh', '-c', SCRIPT, 'sh', partial, mode.toString(8), hasHeaders],
      { signal, stdin: curlConfig(pull), timeoutMs },
    );
    if (result.exitCode === NO_PROGRAM)
      throw new ArtifactError(
        'Refused',
        `${host.name} has neither curl nor wget; use delivery Upload`,
      );
    if (result.exitCode === NO_HEADERS)
      throw new ArtifactError(
        'Refused',
        `${host.name} has no curl, and wget would show the headers to everybody there; use delivery Upload`,
      );
    if (result.exitCode !== 0)
      throw new ArtifactError(
        'Unreachable',
        `${host.name} cannot fetch ${where}: ${redactText(result.stderr.trim()) || `exit code ${result.exitCode}`}`,
      );
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

function curlConfig({
  url,
  headers = {},
  timeoutMs = 600_000,
  limitBytes = 4 * 2 ** 30,
}: HostPull): string {
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw new ArtifactError('Invalid', `${redactURL(url)} is no URL to fetch from`);
  const isSecure = parsed.protocol === 'https:';
  const protocols = isSecure ? '=https' : '=http,https';
  const lines = [
    `url = "${quoted(parsed.href)}"`,
    'silent',
    'show-error',
    'fail',
    'location',
    'max-redirs = 5',
    `proto = "${protocols}"`,
    `proto-redir = "${protocols}"`,
    'connect-timeout = 30',
    `max-time = ${Math.ceil(timeoutMs / 1000)}`,
    `max-filesize = ${limitBytes}`,
    'retry = 3',
    ...Object.entries(headers).map(([name, value]) => `header = "${quoted(`${name}: ${value}`)}"`),
  ];
  return `${lines.join('\n')}\n`;
}

function quoted(text: string): string {
  return text.replaceAll(/[\r\n]/g, '').replaceAll(/["\\]/g, String.raw`\$&`);
}
