// Names of fields that are no CEL identifiers are reached under an escaped one (`self.__if__`, `self.a__dash__b`), by the
// scheme of k8s.io/apiserver/pkg/cel. A name with any other character cannot be reached.

const KEYWORDS = new Set([
  'true',
  'false',
  'null',
  'in',
  'as',
  'break',
  'const',
  'continue',
  'else',
  'for',
  'function',
  'if',
  'import',
  'let',
  'loop',
  'package',
  'namespace',
  'return',
  'var',
  'void',
  'while',
]);

const REPLACEMENTS: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
};

/** The identifier of a field, or undefined when there is none. */
export function escapeName(name: string): string | undefined {
  if (!/^[A-Za-z_./-][\w./-]*$/.test(name)) return undefined;
  if (KEYWORDS.has(name)) return `__${name}__`;
  const escaped = name.replace(/__|[./-]/g, (part) => REPLACEMENTS[part] ?? part);
  return /^\d/.test(escaped) ? undefined : escaped;
}
