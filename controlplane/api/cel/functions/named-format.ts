// `format.dns1123Label().validate(self.name)`: the named formats of Kubernetes names. none() says that a text is valid.
import {
  checkDNS1035Label,
  checkDNSLabel,
  checkDNSSubdomain,
  checkLabelValue,
  checkQualifiedName,
} from '../../names.ts';
import { matchesFormat } from '../../schema/formats.ts';
import { List, Opaque, Optional } from '../values.ts';
import { row } from './row.ts';
import type { FunctionRow } from './row.ts';
import { parseUrl } from './url.ts';

type Check = (text: string) => string | undefined;

const TYPE = 'kubernetes.NamedFormat';

export class NamedFormat extends Opaque {
  readonly typeName = TYPE;
  readonly name: string;
  readonly check: Check;

  constructor(name: string, check: Check) {
    super();
    this.name = name;
    this.check = check;
  }

  canonical(): string {
    return this.name;
  }
}

/** Prefixes of generated names may end in a dash. */
function prefixOf(check: Check): Check {
  return (text) => check(text.endsWith('-') ? `${text.slice(0, -1)}a` : text);
}

function openApiFormat(name: string): Check {
  return (text) => (matchesFormat(name, text) ? undefined : `must be of format ${name}`);
}

const formats: Readonly<Record<string, Check>> = {
  dns1123Label: checkDNSLabel,
  dns1123Subdomain: checkDNSSubdomain,
  dns1035Label: checkDNS1035Label,
  qualifiedName: checkQualifiedName,
  dns1123LabelPrefix: prefixOf(checkDNSLabel),
  dns1123SubdomainPrefix: prefixOf(checkDNSSubdomain),
  dns1035LabelPrefix: prefixOf(checkDNS1035Label),
  labelValue: checkLabelValue,
  uri: (text) => (parseUrl(text) === undefined ? 'must be a URI' : undefined),
  uuid: openApiFormat('uuid'),
  byte: openApiFormat('byte'),
  date: openApiFormat('date'),
  datetime: openApiFormat('date-time'),
};

function named(name: string): NamedFormat | undefined {
  const check = Object.hasOwn(formats, name) ? formats[name] : undefined;
  return check === undefined ? undefined : new NamedFormat(name, check);
}

export const formatFunctions: readonly FunctionRow[] = [
  ...Object.entries(formats).map(([name, check]) =>
    row(`FormatNamespace.${name}(): ${TYPE}`, () => new NamedFormat(name, check)),
  ),
  row(
    `FormatNamespace.named(string): optional<${TYPE}>`,
    (_, name: string) => new Optional(named(name)),
  ),
  row(
    `${TYPE}.validate(string): optional<list<string>>`,
    (meter, format: NamedFormat, text: string) => {
      meter.spend(text.length);
      const problem = format.check(text);
      return problem === undefined ? Optional.none : new Optional(new List([problem]));
    },
  ),
];
