// The door to YAML for what starts without needing it. The library is seventy modules, and a server reads JSON until somebody sends or
// configures YAML: it is loaded then, at once and whole.
import { createRequire } from 'node:module';
import type * as library from 'yaml';

const require = createRequire(import.meta.url);
// Whether it is there is said by the start, not in the middle of a request.
require.resolve('yaml');

let loaded: typeof library | undefined;

/** The library `yaml`, loaded by the first call. */
export function yaml(): typeof library {
  return (loaded ??= require('yaml') as typeof library);
}
