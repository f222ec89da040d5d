// What envtest starts as `kube-apiserver`: our API server alone, with the certificates that envtest made and the flags it passes.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startControlPlane } from '#controlplane/start.ts';
import type { AuthenticationOptions } from '#controlplane/start.ts';
import { systemClock } from '#platform/clock.ts';
import { createLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import type { CommandIO } from '../command.ts';
import { dataDirectoryAt, lockDataDirectory, prepareDataDirectory } from '../data-directory.ts';
import { runUntilStopped } from '../run-until-stopped.ts';
import { CommandError, UsageError } from '../usage-error.ts';
import { programVersion } from '../versions.ts';
import { DATA_DIR_PATH } from './etcd.ts';
import { goFlagsHelp, parseGoFlags } from './go-flags.ts';

const FLAGS = {
  'bind-address': { placeholder: 'IP', help: 'Address to listen on (default 127.0.0.1)' },
  'secure-port': { placeholder: 'PORT', help: 'Port to listen on (default 6443)' },
  'etcd-servers': {
    placeholder: 'URL',
    help: 'The etcd of this folder, which says where the state is',
  },
  'cert-dir': {
    placeholder: 'DIR',
    help: 'Folder of apiserver.crt and apiserver.key, where they are there',
  },
  'tls-cert-file': {
    placeholder: 'FILE',
    help: 'Certificate to serve with, in place of those in --cert-dir',
  },
  'tls-private-key-file': { placeholder: 'FILE', help: 'Its key' },
  'client-ca-file': {
    placeholder: 'FILE',
    help: 'Authorities whose client certificates are believed',
  },
  'service-account-issuer': {
    placeholder: 'URL',
    help: 'In tokens of service accounts (default https://kubernetes.default.svc)',
  },
  'service-account-signing-key-file': {
    placeholder: 'FILE',
    help: 'Private key that signs them (default: one made beside the state)',
  },
  'token-auth-file': { placeholder: 'FILE', help: 'Lines of token,user,uid,"group,group"' },
  v: { placeholder: 'LEVEL', help: 'From 4 on, debug lines are logged' },
};

type Flag = keyof typeof FLAGS;
type Values = Partial<Readonly<Record<Flag, string>>>;

const USAGE = `kube-apiserver of Windlass, for the tests of operators (envtest). Flags of the real one that are not below are taken, and told.`;

export async function kubeApiserver(argv: readonly string[], io: CommandIO): Promise<number> {
  const { values, unknown, help } = parseGoFlags(FLAGS, argv);
  if (help) {
    io.out(goFlagsHelp(USAGE, FLAGS));
    return 0;
  }
  const level = Number(values.v ?? '0') >= 4 ? 'debug' : 'info';
  const logger = createLogger({ format: 'text', level });
  if (unknown.length > 0) logger.info('These flags change nothing here', { flags: unknown });
  const port = portOf(values['secure-port'] ?? '6443');
  const directory = dataDirectoryAt(join(await dataDir(values['etcd-servers']), 'windlass'));
  return runUntilStopped(io, logger, async (signal) => {
    prepareDataDirectory(directory);
    const unlock = lockDataDirectory(directory);
    try {
      const server = await startControlPlane(
        {
          dataDir: directory.path,
          bind: values['bind-address'] ?? '127.0.0.1',
          port,
          persistence: [`sqlite:${join(directory.path, 'state.db')}`],
          secretsKeys: [{ type: 'file', path: `${directory.path}.key` }],
          bootstrapObjects: [],
          ...(await certificates(values)),
          authentication: authentication(values),
          version: programVersion(),
          logger,
          clock: systemClock,
          metrics: new MetricsRegistry(),
        },
        signal,
      );
      return { close: () => server.close().finally(unlock) };
    } catch (error) {
      unlock();
      throw error;
    }
  });
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535)
    throw new UsageError(`--secure-port must be 1 to 65535, not ${JSON.stringify(text)}`);
  return port;
}

/** @throws CommandError when something else than our stand-in, or nothing, is there */
async function dataDir(servers = ''): Promise<string> {
  const [first = ''] = servers.split(',');
  const next = 'Let envtest start the etcd that lies beside this kube-apiserver.';
  let response: Response;
  try {
    response = await fetch(new URL(DATA_DIR_PATH, first));
  } catch (error) {
    const { message, cause } = error as Error;
    const why = cause instanceof Error ? cause.message : message;
    throw new CommandError(`--etcd-servers ${JSON.stringify(servers)}: ${why}`, next, {
      cause: error,
    });
  }
  if (!response.ok)
    throw new CommandError(
      `--etcd-servers ${servers} is not the etcd of Windlass: state is kept in files here, not in etcd`,
      next,
    );
  return response.text();
}

interface Certificates {
  readonly servingCertificate?: { readonly certificate: string; readonly privateKey: string };
  readonly clientAuthorities?: string;
}

async function certificates(values: Values): Promise<Certificates> {
  const certDir = values['cert-dir'];
  const inFolder = (name: string): string | undefined =>
    certDir === undefined ? undefined : join(certDir, name);
  const certificate = await pem(values['tls-cert-file'], inFolder('apiserver.crt'));
  const privateKey = await pem(values['tls-private-key-file'], inFolder('apiserver.key'));
  const clientAuthorities = await pem(values['client-ca-file'], undefined);
  if ((certificate === undefined) !== (privateKey === undefined))
    throw new CommandError(
      'only one of the certificate and its key was found',
      'Give --tls-cert-file and --tls-private-key-file, or both apiserver.crt and apiserver.key in --cert-dir.',
    );
  return {
    ...(certificate === undefined || privateKey === undefined
      ? {}
      : { servingCertificate: { certificate, privateKey } }),
    ...(clientAuthorities === undefined ? {} : { clientAuthorities }),
  };
}

function authentication(values: Values): AuthenticationOptions {
  const issuer = values['service-account-issuer'];
  const key = values['service-account-signing-key-file'];
  const tokens = values['token-auth-file'];
  return {
    ...(issuer === undefined ? {} : { serviceAccountIssuer: issuer }),
    ...(key === undefined ? {} : { serviceAccountSigningKeyFile: key }),
    ...(tokens === undefined ? {} : { tokenAuthFile: tokens }),
  };
}

/** A file that was named must be there; one of a folder may be. */
async function pem(
  named: string | undefined,
  usual: string | undefined,
): Promise<string | undefined> {
  const file = named ?? usual;
  if (file === undefined) return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (named === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
