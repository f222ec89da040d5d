// YAML for answers (`Accept: application/yaml`). Reading YAML is schema/decode-yaml.ts.
import { stringify } from 'yaml';

/** Block style as kubectl prints it; no anchors, no line folding. */
export function encodeYAML(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0, version: '1.1' });
}
