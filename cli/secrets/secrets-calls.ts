// What `windlass secrets …` asks the server, and the shapes of its answers.
import type { HttpClient } from '#controllers/machinery/client.ts';

const PATH = '/windlass/v1/secrets';

export interface RotationAnswer {
  readonly state: 'Running' | 'Done' | 'Failed';
  readonly keyId: string;
  readonly isNewKey: boolean;
  readonly done: number;
  readonly total: number;
  readonly message?: string;
}

export interface SecretsStatusAnswer {
  readonly keys: readonly {
    readonly id: string;
    readonly source: string;
    readonly isSealing: boolean;
    readonly objects: number;
  }[];
  readonly unsealedObjects: number;
  readonly rotation?: RotationAnswer;
}

export interface PruneAnswer {
  readonly removed: readonly string[];
  readonly kept: readonly { readonly id: string; readonly reason: string }[];
}

export async function readSecretsStatus(
  client: HttpClient,
  signal: AbortSignal,
): Promise<SecretsStatusAnswer> {
  return (await client.getPath(PATH, signal)) as SecretsStatusAnswer;
}

export async function beginRotation(
  client: HttpClient,
  signal: AbortSignal,
): Promise<RotationAnswer> {
  return (await client.postBytes(`${PATH}/rotate`, new Uint8Array(), signal)) as RotationAnswer;
}

export async function pruneKeys(client: HttpClient, signal: AbortSignal): Promise<PruneAnswer> {
  return (await client.postBytes(`${PATH}/prune`, new Uint8Array(), signal)) as PruneAnswer;
}

export function rotationText({ state, keyId, done, total, message }: RotationAnswer): string {
  const count = `${done} of ${total} objects`;
  if (state === 'Running') return `sealing with key ${keyId}: ${count}`;
  if (state === 'Done') return `sealed ${total} objects with key ${keyId}`;
  return `sealing with key ${keyId} was cut short after ${count}: ${message ?? 'for no known reason'}`;
}
