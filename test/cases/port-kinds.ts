// Cases about the text of ports: reading, writing, checking.
import { checkPort, formatPort, parsePort } from '#cli/run/port-text.ts';
import type { UncheckedPort } from '#cli/run/port-text.ts';
import { outcomeOf } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import type { ServiceCase } from './service-case.ts';
import { numberOf, recordOf, textOf } from './shape.ts';

const readPort = recordOf<UncheckedPort>({
  mode: textOf,
  containerPort: numberOf,
  publishedPort: numberOf,
  protocol: textOf,
  hostname: textOf,
  hostIP: textOf,
  hostPrefix: textOf,
});

export function playParsePort({ spec }: ServiceCase): Outcome {
  return outcomeOf({ op: 'parsed', port: parsePort(textOf(spec['port'], 'spec.port')) });
}

export function playFormatPort({ spec }: ServiceCase): Outcome {
  const port = checkPort(readPort(spec['port'], 'spec.port'));
  return outcomeOf({ op: 'formatted', text: formatPort(port) });
}

export function playValidatePort({ spec }: ServiceCase): Outcome {
  checkPort(readPort(spec['port'], 'spec.port'));
  return outcomeOf({ op: 'accept' });
}
