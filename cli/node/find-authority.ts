// Meets a server for the first time: takes the authority that it shows, and believes it only for its hash. Nothing secret is sent.
import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import type { Clock } from '#platform/clock.ts';
import { CommandError } from '../usage-error.ts';
import { authorityHash } from './bootstrap-token.ts';

const WITHIN_MS = 15_000;
const MOST_SHOWN = 10;
/** What a new certificate is dated back by. */
const MOST_SKEW_MS = 5 * 60_000;

/**
 * PEM of a certificate of the authority with this hash. After a change of the authority it may be the one that the former authority
 * gave the new one, which is no root: whoever believes it must take part of a chain for the whole.
 *
 * @throws CommandError when the server does not answer, is another one, has another time, or is not meant to be called by this address
 */
export async function findAuthority(
  server: URL,
  hash: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<string> {
  const { shown, date } = await meet(server, signal);
  const found = shown.find((certificate) => authorityHash(certificate.raw) === hash);
  if (found === undefined) {
    const hashes = shown.map(({ raw }) => `sha256:${authorityHash(raw)}`);
    throw new CommandError(
      `${server.origin} is not the server that the token is for: its authority is ${hashes.at(-1) ?? 'not shown'}, and should be sha256:${hash}`,
      'Make a new token on the right server with windlass token create; nothing was sent to this one.',
    );
  }
  const authority = found.toString();
  const [leaf] = shown;
  checkTime(server, date, clock);
  if (leaf !== undefined) checkAddress(server, leaf);
  return authority;
}

interface Met {
  /** Its own certificate first. */
  readonly shown: readonly X509Certificate[];
  /** As it says, milliseconds since 1970; undefined: it does not. */
  readonly date: number | undefined;
}

async function meet(server: URL, signal: AbortSignal): Promise<Met> {
  try {
    return await new Promise<Met>((resolve, reject) => {
      const asked = request(
        new URL('/readyz', server),
        { rejectUnauthorized: false, agent: false, signal, timeout: WITHIN_MS },
        (response: IncomingMessage) => {
          const certificates = shownBy(response.socket as TLSSocket);
          const date = Date.parse(response.headers.date ?? '');
          response.resume();
          response.on('error', reject);
          response.on('end', () =>
            resolve({ shown: certificates, date: Number.isNaN(date) ? undefined : date }),
          );
        },
      );
      asked.on('timeout', () => asked.destroy(new Error(`no answer within ${WITHIN_MS / 1000} s`)));
      asked.on('error', reject);
      asked.end();
    });
  } catch (error) {
    signal.throwIfAborted();
    throw new CommandError(
      `${server.origin} does not answer: ${(error as Error).message}`,
      'Does the server run, with --bind on an address that this machine reaches?',
      { cause: error },
    );
  }
}

function shownBy(socket: TLSSocket): readonly X509Certificate[] {
  const found: X509Certificate[] = [];
  let next: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && found.length < MOST_SHOWN) {
    found.push(new X509Certificate(next.raw));
    const issuer: DetailedPeerCertificate | undefined = next.issuerCertificate;
    // A root names itself.
    next = issuer === next ? undefined : issuer;
  }
  return found;
}

function checkTime(server: URL, date: number | undefined, clock: Clock): void {
  if (date === undefined) return;
  const skew = clock.now() - date;
  if (Math.abs(skew) <= MOST_SKEW_MS) return;
  const minutes = Math.round(Math.abs(skew) / 60_000);
  throw new CommandError(
    `the clock of this machine is ${minutes} minutes ${skew > 0 ? 'ahead of' : 'behind'} that of ${server.origin}`,
    'Certificates hold from one time to another: set the clock (timedatectl set-ntp true), then join.',
  );
}

function checkAddress({ hostname, origin }: URL, leaf: X509Certificate): void {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (leaf.checkHost(host) !== undefined || leaf.checkIP(host) !== undefined) return;
  const names = leaf.subjectAltName?.replaceAll(/(DNS|IP Address):/g, '') ?? 'none';
  throw new CommandError(
    `${origin} is the right server, and its certificate is not for ${host}: it is for ${names}`,
    'Use one of those, or start the server with --bind and the address that other machines use.',
  );
}
