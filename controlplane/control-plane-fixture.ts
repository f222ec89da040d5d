// A control plane in a temporary folder and clients with its credentials, for the tests of this folder.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';

import { startControlPlane } from './start.ts';
import type { ControlPlane, ControlPlaneOptions } from './start.ts';

/** A running control plane and one connection pool for each kind of client. */
export interface TestPlane {
  readonly folder: string;
  readonly plane: ControlPlane;
  readonly admin: Agent;
  /** The agent of node n1. */
  readonly node: Agent;
  readonly anonymous: Agent;
  close(): Promise<void>;
}

export async function startTestPlane(
  changes: Partial<ControlPlaneOptions> = {},
): Promise<TestPlane> {
  const folder = await mkdtemp(path.join(tmpdir(), 'windlass-start-'));
  const plane = await startControlPlane(
    testOptions(path.join(folder, 'data'), changes),
    new AbortController().signal,
  );
  const admin = await agentOf(plane.adminKubeconfig);
  const node = await agentOf(await plane.nodeKubeconfig('n1'));
  const anonymous = new Agent({ ca: await readFile(plane.caFile), keepAlive: true });
  return {
    folder,
    plane,
    admin,
    node,
    anonymous,
    close: async () => {
      for (const agent of [admin, node, anonymous]) agent.destroy();
      await plane.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function testOptions(
  dataDir: string,
  changes: Partial<ControlPlaneOptions> = {},
): ControlPlaneOptions {
  return {
    dataDir,
    bind: '127.0.0.1',
    port: 0,
    persistence: [`sqlite:${path.join(dataDir, 'state.db')}`],
    secretsKeys: [{ type: 'file', path: `${dataDir}.key` }],
    bootstrapObjects: [],
    version: '0.1.0',
    logger: silentLogger,
    clock: systemClock,
    metrics: new MetricsRegistry(),
    ...changes,
  };
}

/** A connection pool with the credentials of a kubeconfig. */
export async function agentOf(kubeconfig: string): Promise<Agent> {
  return new Agent({ ...(await credentialsOf(kubeconfig)), keepAlive: true });
}

export interface Credentials {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

export async function credentialsOf(kubeconfig: string): Promise<Credentials> {
  const text = await readFile(kubeconfig, 'utf8');
  const embedded = (field: string): Buffer => {
    const value = new RegExp(`${field}: (\\S+)`).exec(text)?.[1];
    assert.ok(value, field);
    return Buffer.from(value, 'base64');
  };
  return {
    ca: embedded('certificate-authority-data'),
    cert: embedded('client-certificate-data'),
    key: embedded('client-key-data'),
  };
}

export interface Answer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

/** Sends a request to `base` (the plane's URL); the answer's body is still to be read. */
export function open(
  base: string,
  agent: Agent,
  method: string,
  url: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    // Node adds no length to the body of a DELETE by itself.
    const length = text === undefined ? {} : { 'content-length': String(Buffer.byteLength(text)) };
    const request = httpsRequest(
      `${base}${url}`,
      { agent, method, headers: { ...length, ...headers } },
      resolve,
    );
    request.on('error', reject);
    request.end(text);
  });
}

export async function call(...parameters: Parameters<typeof open>): Promise<Answer> {
  const response = await open(...parameters);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const isJSON =
    response.headers['content-type']?.startsWith('application/json') === true &&
    response.headers['content-encoding'] === undefined;
  return {
    code: response.statusCode ?? 0,
    headers: response.headers,
    text,
    json: isJSON && text !== '' ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}

export const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

export function configMap(
  name: string,
  changes: Record<string, unknown> = {},
): Record<string, unknown> {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { k: 'v' }, ...changes };
}
