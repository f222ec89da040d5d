// YAML in its simplest use: a value to text for `Accept: application/yaml`, and small option bodies to values.
// Bodies that hold objects go through schema/decode.ts, which also reports duplicate keys.
import { parse, stringify } from 'yaml';

/** Block style as kubectl prints it; no anchors, no line folding. */
export function encodeYAML(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0, version: '1.1' });
}

/** @throws YAMLParseError */
export function parseYAML(text: string): unknown {
  return parse(text, { maxAliasCount: 100 });
}
