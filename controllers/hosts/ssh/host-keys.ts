// Pinned host keys: what a host must show before anything is said to it.
import { createHash } from 'node:crypto';
import { HostCommandError } from '../host-errors.ts';

export interface PinnedKeys {
  /** As ssh-keygen -l prints them: `SHA256:…`, without padding. */
  readonly fingerprints: readonly string[];
  /** Algorithms to ask for, so that the host shows a key that is pinned; undefined where only fingerprints are known. */
  readonly algorithms: readonly string[] | undefined;
}

const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/** As ssh-keygen -l prints it. */
export function fingerprintOf(key: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/**
 * Reads pinned keys: known_hosts lines, public keys, fingerprints; comments and empty lines are passed over. Host names of known_hosts
 * lines are not compared: the keys were pinned for this host.
 *
 * @param where how errors name the field
 * @throws HostCommandError for a line that is none of these, and where there is no key at all
 */
export function parsePinnedKeys(text: string, where: string): PinnedKeys {
  const keys = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => parseLine(line, where));
  if (keys.length === 0) throw new HostCommandError(`${where}: holds no host key`);
  const types = keys.map(({ type }) => type);
  return {
    fingerprints: keys.map(({ fingerprint }) => fingerprint),
    algorithms: types.includes(undefined)
      ? undefined
      : [...new Set(types.flatMap((type) => ALGORITHMS[type ?? ''] ?? []))],
  };
}

function parseLine(
  line: string,
  where: string,
): { readonly fingerprint: string; readonly type: string | undefined } {
  const fingerprint = /(?:^|\s)(SHA256:[A-Za-z0-9+/]{43})=?(?:\s|$)/.exec(line)?.[1];
  if (fingerprint !== undefined) return { fingerprint, type: undefined };
  const words = line.split(/\s+/);
  const at = words.findIndex((word) => Object.hasOwn(ALGORITHMS, word));
  const key = Buffer.from(words[at + 1] ?? '', 'base64');
  const type = words[at];
  // The key begins with its own type, so that a mixed-up line is noticed.
  if (type === undefined || at > 2 || key.subarray(4, 4 + type.length).toString('latin1') !== type)
    throw new HostCommandError(
      `${where}: ${JSON.stringify(line.slice(0, 60))}: must be "ssh-ed25519 AAAA…", a known_hosts line, or "SHA256:…"`,
    );
  return { fingerprint: fingerprintOf(key), type };
}

/** Undefined: the key is pinned. Otherwise what to tell. */
export function keyProblem(key: Uint8Array, pinned: PinnedKeys, host: string): string | undefined {
  const found = fingerprintOf(key);
  if (pinned.fingerprints.includes(found)) return undefined;
  return (
    `${host}: shows the host key ${found}, and pinned is ${pinned.fingerprints.join(' or ')}: ` +
    'either it is another machine, or its key was made anew; in that case compare on the machine itself and pin the new one'
  );
}

/** What to do where no key is pinned. */
export function howToPin(address: string, port: number): string {
  return (
    'ssh.hostKey: no host key is pinned, and an unknown host is not trusted. ' +
    'On the host, `cat /etc/ssh/ssh_host_ed25519_key.pub` prints the line to put there; ' +
    `over a network that you trust, \`ssh-keyscan -p ${port} ${address}\` does`
  );
}
