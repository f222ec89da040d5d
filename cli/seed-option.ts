// --seed: the authority and the join token that a control plane begins with, so that whoever made both can reach it, and tell machines
// how to join it, before it ever ran. The Cluster controller starts the controllers of other machines with it.
import { readFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import type { ControlPlaneOptions } from '#controlplane/start.ts';
import { parseToken, tokenObject } from './node/bootstrap-token.ts';
import type { Environment, OptionTable } from './options.ts';
import { UsageError } from './usage-error.ts';

export const seedOption = {
  seed: {
    type: 'string',
    placeholder: 'SEED',
    help: 'Authority and join token to begin with: file:PATH or env:NAME, JSON of certificate, privateKey and token, also as base64',
  },
} as const satisfies OptionTable;

export interface Seed {
  readonly authority: NonNullable<ControlPlaneOptions['authority']>;
  /** The Secret of the token. */
  readonly token: object;
}

/** @throws UsageError, never with what was found: it is a key */
export function seedOf(value: string | undefined, environment: Environment): Seed | undefined {
  if (value === undefined) return undefined;
  const [, scheme, rest = ''] = /^(file|env):(.+)$/s.exec(value.trim()) ?? [];
  if (scheme === undefined)
    throw new UsageError('--seed must be file:PATH or env:NAME, found something else');
  const source = `--seed ${scheme}:${rest}`;
  const text = scheme === 'env' ? environment[rest] : contentOf(rest, source);
  if (text === undefined || text.trim() === '')
    throw new UsageError(
      `${source}: ${scheme === 'env' ? 'there is no such variable' : 'the file is empty'}`,
    );
  const fields = parsed(text.trim(), source);
  const field = (name: string): string => {
    const found = fields[name];
    if (typeof found === 'string' && found !== '') return found;
    throw new UsageError(`${source}: ${name} must be a text`);
  };
  const certificate = field('certificate');
  try {
    if (!new X509Certificate(certificate).ca) throw new Error('not of an authority');
  } catch {
    throw new UsageError(`${source}: certificate must be PEM of an authority's certificate`);
  }
  return {
    authority: { certificate, privateKey: field('privateKey') },
    token: tokenObject(parseToken(field('token'))),
  };
}

function contentOf(path: string, source: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${source}: ${(error as NodeJS.ErrnoException).code ?? 'cannot be read'}`);
  }
}

function parsed(text: string, source: string): Readonly<Record<string, unknown>> {
  const json = text.startsWith('{') ? text : Buffer.from(text, 'base64').toString('utf8');
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // Said below, without what was found.
  }
  throw new UsageError(`${source}: must hold JSON of certificate, privateKey and token`);
}
