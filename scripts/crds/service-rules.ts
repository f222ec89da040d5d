// The rules of the Service kind that its schema alone cannot say: what would otherwise show only once the controller or a
// node tries. Every list that a rule runs over has a maxItems, since servers estimate the cost of rules from it.

interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

const NAMED = "type(i.targetPort) == string && !i.targetPort.matches('^[0-9]+$')";
const DECLARED =
  'self.template.spec.containers.exists(c, has(c.ports) && c.ports.exists(p, has(p.name) && p.name == i.targetPort))';

/** On the whole object. New ones only: an object that is there already must stay writable. */
export const rootRules: readonly ValidationRule[] = [
  {
    rule: 'oldSelf.hasValue() || self.metadata.name.size() <= 63',
    optionalOldSelf: true,
    message:
      'metadata.name must have at most 63 characters: instances carry it in a label, which holds no more',
  },
];

export const specRules: readonly ValidationRule[] = [
  {
    rule: `!has(self.ingress) || self.ingress.all(i, !(${NAMED}) || ${DECLARED})`,
    fieldPath: '.ingress',
    message:
      'targetPort must be a number or the name of a port that a container of the template declares',
    messageExpression: `'no container of the template declares a port named ' + self.ingress.filter(i, ${NAMED} && !${DECLARED}).map(i, string(i.targetPort)).join(', ') + ': declare it in ports, or use a number as targetPort'`,
  },
];

function mountRule(list: 'containers' | 'initContainers'): ValidationRule {
  const missing = 'has(self.volumes) && self.volumes.exists(v, v.name == m.name)';
  const guard = list === 'containers' ? '' : `!has(self.${list}) || `;
  return {
    rule: `${guard}self.${list}.all(c, !has(c.volumeMounts) || c.volumeMounts.all(m, ${missing}))`,
    fieldPath: `.${list}`,
    message: 'every name in volumeMounts must be that of an entry of volumes',
    messageExpression: `'no volume for volumeMounts of ' + self.${list}.filter(c, has(c.volumeMounts) && !c.volumeMounts.all(m, ${missing})).map(c, c.name).join(', ') + ': add an entry of that name to volumes'`,
  };
}

/** On the spec of the template. */
export const podRules: readonly ValidationRule[] = [
  mountRule('containers'),
  mountRule('initContainers'),
];

export const updateStrategyRules: readonly ValidationRule[] = [
  {
    rule: "self.type != 'Recreate' || self.order == 'Auto'",
    fieldPath: '.order',
    message:
      'order has no meaning with type Recreate, which stops all old instances before the first new one starts: leave it out, or use type Rolling',
  },
];
