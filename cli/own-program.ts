// How this very windlass is started once more.
import { join } from 'node:path';

/** Program and first arguments. */
export function ownProgram(): readonly string[] {
  return [process.execPath, join(import.meta.dirname, 'launcher.mjs')];
}
