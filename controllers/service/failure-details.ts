// Why a rollout failed, with the last words of the instance that did: they are gone once it is.
import type { Client } from '../machinery/client-types.ts';
import type { Failure } from './plan-types.ts';
import type { Service } from './types.ts';

const LINES = 10;
const MAXIMUM_LENGTH = 2_000;

/** The failure's message, and its log where one can be had. */
export async function failureDetails(
  client: Client,
  { metadata }: Service,
  { message, pod }: Failure,
  signal: AbortSignal,
): Promise<string> {
  if (pod === undefined) return message;
  const path = `/api/v1/namespaces/${metadata.namespace ?? ''}/pods/${pod}/log`;
  const lines = (await lastLines(client, path, signal)).trimEnd();
  if (lines === '') return message;
  return `${message}\nLast log lines:\n${lines.slice(-MAXIMUM_LENGTH)}`;
}

/** Of the container that ran before, where there was one: the one that is about to start has said nothing yet. */
async function lastLines(client: Client, path: string, signal: AbortSignal): Promise<string> {
  for (const previous of ['true', 'false']) {
    try {
      const lines = await client.getText(`${path}?tailLines=${LINES}&previous=${previous}`, signal);
      if (lines.trim() !== '') return lines;
    } catch (error) {
      if (signal.aborted) throw error;
      // Not started, several containers, no permission, no agent: the message has to do.
    }
  }
  return '';
}
