// What may be a name, a label key, a label value or a finalizer: the rules of k8s.io/apimachinery util/validation.
// Each check returns what is wrong (in upstream's wording, which people search for), or undefined.

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED_PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const CONFIG_KEY = /^[-._a-zA-Z0-9]+$/;

const EMPTY_NAME = 'name part must be non-empty';
const EMPTY_PREFIX = 'prefix part must be non-empty';
const NAME_SHAPE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

const GENERATED_SUFFIX_LENGTH = 5;
const GENERATED_PREFIX_MAXIMUM = 58;

/** 63 characters of `a-z0-9-`: names of namespaces, containers, ports. */
export function checkDNSLabel(value: string): string | undefined {
  if (value.length > 63) return 'must be no more than 63 characters';
  if (LABEL.test(value)) return undefined;
  if (SUBDOMAIN.test(value)) return 'must not contain dots';
  return "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
}

/** 253 characters of dot-separated labels: names of most objects. */
export function checkDNSSubdomain(value: string): string | undefined {
  if (value.length > 253) return 'must be no more than 253 characters';
  if (SUBDOMAIN.test(value)) return undefined;
  return "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
}

/** A core Service's name: a DNS label that starts with a letter. */
export function checkDNS1035Label(value: string): string | undefined {
  if (value.length > 63) return 'must be no more than 63 characters';
  if (/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(value)) return undefined;
  return "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
}

/** Anything that can be one segment of a URL path: names of RBAC objects. */
export function checkPathSegment(value: string): string | undefined {
  if (value === '.' || value === '..') return `may not be '${value}'`;
  if (value.includes('/')) return "may not contain '/'";
  if (value.includes('%')) return "may not contain '%'";
  return undefined;
}

/** `[prefix/]name`: label and annotation keys, finalizers, condition types. */
export function checkQualifiedName(value: string): string | undefined {
  const slash = value.indexOf('/');
  const prefix = slash < 0 ? undefined : value.slice(0, slash);
  const name = slash < 0 ? value : value.slice(slash + 1);
  if (name.includes('/')) {
    return "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
  }
  if (prefix === '') return EMPTY_PREFIX;
  if (prefix !== undefined) {
    const wrong = checkDNSSubdomain(prefix);
    if (wrong !== undefined) return `prefix part ${wrong}`;
  }
  if (name === '') return EMPTY_NAME;
  if (name.length > 63) return 'name part must be no more than 63 characters';
  if (QUALIFIED_PART.test(name)) return undefined;
  return NAME_SHAPE;
}

export function checkLabelValue(value: string): string | undefined {
  if (value.length > 63) return 'must be no more than 63 characters';
  if (LABEL_VALUE.test(value)) return undefined;
  return "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
}

/** All that is wrong with a qualified name, where upstream tells more than one thing. */
export function qualifiedNameProblems(value: string): readonly string[] {
  const wrong = checkQualifiedName(value);
  if (wrong === undefined) return [];
  // An empty or a long name is also told what names look like.
  if (wrong === EMPTY_NAME) return [wrong, NAME_SHAPE];
  if (wrong !== EMPTY_PREFIX) return [wrong];
  return [wrong, ...qualifiedNameProblems(value.slice(1))];
}

/** The name of a port: 15 lower case letters, digits and hyphens. */
export function portNameProblems(value: string): readonly string[] {
  const problems: string[] = [];
  if (value.length > 15) problems.push('must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/.test(value))
    problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) problems.push('must contain at least one letter (a-z)');
  if (value.includes('--')) problems.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-'))
    problems.push('must not begin or end with a hyphen');
  return problems;
}

/** The name of a variable of a process. */
export function checkVariableName(value: string): string | undefined {
  return /^[ -<>-~]+$/.test(value)
    ? undefined
    : "a valid environment variable name must consist only of printable ASCII characters other than '='";
}

/** A key of a ConfigMap's or Secret's data: a plain file name. */
export function checkConfigKey(value: string): string | undefined {
  if (value.length > 253) return 'must be no more than 253 characters';
  if (!CONFIG_KEY.test(value)) {
    return "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
  }
  if (value === '.') return "must not be '.'";
  if (value === '..') return "must not be '..'";
  if (value.startsWith('..')) return "must not start with '..'";
  return undefined;
}

/** `prefix` cut to leave room, plus five random characters. @param randomSuffix n → n characters */
export function generateName(prefix: string, randomSuffix: (length: number) => string): string {
  return `${prefix.slice(0, GENERATED_PREFIX_MAXIMUM)}${randomSuffix(GENERATED_SUFFIX_LENGTH)}`;
}
