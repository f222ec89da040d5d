// Where on this machine the volumes of a Pod are.
import { join } from 'node:path';
import type { AgentContext } from './context.ts';
import type { Pod } from './pod.ts';
import type { VolumeFolders } from './volumes.ts';

export function volumeFoldersOf(
  { runtime, folderOf, claimsFolder }: AgentContext,
  { metadata: { uid } }: Pod,
): VolumeFolders {
  return {
    pod: join(folderOf(uid), 'volumes'),
    claims: claimsFolder,
    ownerOnlySecrets: runtime.name === 'process',
  };
}
