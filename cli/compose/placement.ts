// Where instances of a Compose service may run: `deploy.placement`, `platform`, uncloud's `x-machines`, and our `x-placement`.
import type { V1Affinity, V1NodeSelectorRequirement, V1PodSpec } from '@kubernetes/client-node';
import { SERVICE_LABEL } from '#controllers/service/types.ts';
import type { Field } from './field.ts';
import { textMap } from './texts.ts';

export interface Placement {
  /** Empty: all. */
  readonly nodes: readonly string[];
  readonly pod: Pick<V1PodSpec, 'affinity' | 'nodeSelector' | 'topologySpreadConstraints'>;
}

const HOSTNAME = 'kubernetes.io/hostname';
const KEYS: Readonly<Record<string, string>> = {
  'node.hostname': HOSTNAME,
  'node.id': HOSTNAME,
  'node.platform.os': 'kubernetes.io/os',
  'node.platform.arch': 'kubernetes.io/arch',
};
/** Docker's names of processors that are not Kubernetes'. */
const PROCESSORS: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };

export function placementOf(service: Field, name: string): Placement {
  const own = service.get('x-placement');
  own?.refuseUnknown(['machines', 'nodeSelector', 'nodes']);
  const machines = [service.get('x-machines'), own?.get('machines'), own?.get('nodes')];
  const nodes = machines.flatMap((field) => namesIn(field));
  const section = service.get('deploy')?.get('placement');
  section?.refuseUnknown(['constraints', 'max_replicas_per_node', 'preferences']);
  const expressions = (section?.get('constraints')?.items() ?? []).flatMap(requirementOf);
  const selector = { ...platformOf(service.get('platform')), ...textMap(own?.get('nodeSelector')) };
  const spread = (section?.get('preferences')?.items() ?? []).map((item) => {
    item.refuseUnknown(['spread']);
    const label = nodeLabel(item.get('spread') ?? item.fail('spread is missing'));
    return {
      maxSkew: 1,
      topologyKey: label,
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: { [SERVICE_LABEL]: name } },
    };
  });
  section
    ?.get('max_replicas_per_node')
    ?.warn('ignored: instances are spread evenly over the nodes that may have them');
  const affinity = nodeAffinity(expressions);
  return {
    nodes,
    pod: {
      ...(Object.keys(selector).length === 0 ? {} : { nodeSelector: selector }),
      ...(Object.keys(affinity).length === 0 ? {} : { affinity }),
      ...(spread.length === 0 ? {} : { topologySpreadConstraints: spread }),
    },
  };
}

function namesIn(field: Field | undefined): readonly string[] {
  if (field === undefined) return [];
  // uncloud takes a list, a name, or names with commas between them.
  const texts = field
    .itemsOrOne()
    .flatMap((item) => (field.isText ? item.text().split(',') : [item.text()]));
  return texts.map((text) => {
    if (text.trim() === '') field.fail('names of machines cannot be empty');
    return text.trim();
  });
}

/** `node.hostname == a`, `node.labels.zone != b` */
function requirementOf(field: Field): readonly V1NodeSelectorRequirement[] {
  const match = /^\s*([\w.\-/]+)\s*(==|!=)\s*(.+?)\s*$/.exec(field.text());
  if (match === null)
    return field.fail(`'${field.text()}' must be KEY==VALUE or KEY!=VALUE, as node.labels.zone==a`);
  const [, key = '', operator, value = ''] = match;
  if (key === 'node.role') {
    field.warn('ignored: there are no managers and workers here, only nodes');
    return [];
  }
  const label = KEYS[key] ?? /^(?:node|engine)\.labels\.(.+)$/.exec(key)?.[1];
  if (label === undefined)
    return field.fail(
      `'${key}' is not supported: use node.hostname, node.labels.NAME, node.platform.os or node.platform.arch`,
    );
  const known = label === 'kubernetes.io/arch' ? (PROCESSORS[value] ?? value) : value;
  return [{ key: label, operator: operator === '==' ? 'In' : 'NotIn', values: [known] }];
}

function nodeLabel(field: Field): string {
  const label = /^node\.labels\.(.+)$/.exec(field.text())?.[1];
  return label ?? field.fail(`'${field.text()}' must be a label of nodes, as node.labels.zone`);
}

function nodeAffinity(matchExpressions: readonly V1NodeSelectorRequirement[]): V1Affinity {
  if (matchExpressions.length === 0) return {};
  return {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [...matchExpressions] }],
      },
    },
  };
}

/** `linux/arm64/v8` */
function platformOf(field: Field | undefined): Readonly<Record<string, string>> {
  if (field === undefined) return {};
  const [os = '', arch] = field.text().split('/');
  if (os === '') return field.fail('must be OS[/PROCESSOR], as linux/arm64');
  return {
    'kubernetes.io/os': os,
    ...(arch === undefined ? {} : { 'kubernetes.io/arch': PROCESSORS[arch] ?? arch }),
  };
}
