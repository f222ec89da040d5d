// Signs requests to Omni with the key of a service account: siderolabs/go-api-signature, version 1.
import type { PrivateKey } from 'openpgp';
import type { Clock } from '#platform/clock.ts';
import { CredentialsRefused } from '../errors.ts';

// A megabyte of source that only clusters of Omni need, loaded with the first of those. That the package is there is said by the start.
import.meta.resolve('openpgp');

/** What OMNI_SERVICE_ACCOUNT_KEY holds, in base64. */
interface ServiceAccount {
  readonly name: string;
  readonly pgp_key: string;
}

export class OmniSigner {
  readonly #account: ServiceAccount;
  readonly #key: Promise<PrivateKey>;
  readonly #clock: Clock;

  /** @throws CredentialsRefused for what is no key of a service account; the key is in no message */
  constructor(credentials: string, clock: Clock) {
    this.#account = accountOf(credentials);
    this.#clock = clock;
    this.#key = privateKeyOf(this.#account);
    // Whoever signs sees it.
    this.#key.catch(() => undefined);
  }

  /** @param method as gRPC names it: `/omni.resources.ResourceService/List` */
  async headers(method: string): Promise<Readonly<Record<string, string>>> {
    const key = await this.#key;
    const { createMessage, sign } = await import('openpgp');
    const now = this.#clock.now();
    const seconds = String(Math.floor(now / 1000));
    const payload = JSON.stringify({ headers: { 'x-sidero-timestamp': [seconds] }, method });
    const signature = await sign({
      message: await createMessage({ binary: new TextEncoder().encode(payload) }),
      signingKeys: key,
      detached: true,
      format: 'binary',
      date: new Date(now),
    });
    const text = Buffer.from(signature).toString('base64');
    return {
      'Grpc-Metadata-x-sidero-timestamp': seconds,
      'Grpc-Metadata-x-sidero-payload': payload,
      'Grpc-Metadata-x-sidero-signature': `siderov1 ${this.#account.name} ${key.getFingerprint()} ${text}`,
    };
  }
}

async function privateKeyOf({ pgp_key }: ServiceAccount): Promise<PrivateKey> {
  const { readPrivateKey } = await import('openpgp');
  return readPrivateKey({ armoredKey: pgp_key }).catch(() => {
    throw new CredentialsRefused('omni', 'pgp_key of the service account is no private key');
  });
}

function accountOf(credentials: string): ServiceAccount {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(credentials, 'base64').toString('utf8'));
    const { name, pgp_key } = parsed as Partial<Record<keyof ServiceAccount, unknown>>;
    if (typeof name === 'string' && name !== '' && typeof pgp_key === 'string')
      return { name, pgp_key };
  } catch {
    // As below: the parser's words may hold a part of it.
  }
  throw new CredentialsRefused(
    'omni',
    'it is no OMNI_SERVICE_ACCOUNT_KEY, which is base64 of a JSON object with name and pgp_key',
  );
}
