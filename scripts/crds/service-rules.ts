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

const NAMES_A_VOLUME =
  '(has(self.template.spec.volumes) && self.template.spec.volumes.exists(v, v.name == m.name)) || (has(self.volumes) && self.volumes.exists(v, v.name == m.name))';

function mountRule(list: 'containers' | 'initContainers'): ValidationRule {
  const pod = 'self.template.spec';
  const guard = list === 'containers' ? '' : `!has(${pod}.${list}) || `;
  return {
    rule: `${guard}${pod}.${list}.all(c, !has(c.volumeMounts) || c.volumeMounts.all(m, ${NAMES_A_VOLUME}))`,
    fieldPath: `.template.spec.${list}`,
    message:
      'every name in volumeMounts must be that of an entry of spec.volumes or of the volumes of the template',
    messageExpression: `'no volume for volumeMounts of ' + ${pod}.${list}.filter(c, has(c.volumeMounts) && !c.volumeMounts.all(m, ${NAMES_A_VOLUME})).map(c, c.name).join(', ') + ': add an entry of that name to spec.volumes, or to the volumes of the template'`,
  };
}

export const specRules: readonly ValidationRule[] = [
  {
    rule: 'self.mode == oldSelf.mode',
    fieldPath: '.mode',
    message:
      'service mode cannot be changed: its volumes would be others; delete the service first, or make one of another name',
  },
  {
    rule: `!has(self.ingress) || self.ingress.all(i, !(${NAMED}) || ${DECLARED})`,
    fieldPath: '.ingress',
    message:
      'targetPort must be a number or the name of a port that a container of the template declares',
    messageExpression: `'no container of the template declares a port named ' + self.ingress.filter(i, ${NAMED} && !${DECLARED}).map(i, string(i.targetPort)).join(', ') + ': declare it in ports, or use a number as targetPort'`,
  },
  mountRule('containers'),
  mountRule('initContainers'),
  {
    rule: '!has(self.volumes) || !has(self.template.spec.volumes) || self.volumes.all(v, !self.template.spec.volumes.exists(t, t.name == v.name))',
    fieldPath: '.volumes',
    message:
      'a volume of the template has the same name as one of spec.volumes: give one of them another name',
  },
];

export const ingressRules: readonly ValidationRule[] = [
  {
    rule: "self.protocol in ['HTTP', 'HTTPS'] || (self.host == '' && self.path == '')",
    message:
      'host and path need protocol HTTP or HTTPS: plain TCP and UDP carry neither; leave them out, or set the protocol',
  },
  {
    rule: "self.path == '' || self.path.startsWith('/')",
    fieldPath: '.path',
    message: 'path must begin with /',
  },
  {
    rule: "self.host == '' || self.host.matches('^([*][.])?[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
    fieldPath: '.host',
    message: 'host must be a name in lower case, as app.example.com, or *.example.com',
  },
  {
    rule: "!has(self.tls) || self.protocol == 'HTTPS'",
    fieldPath: '.tls',
    message: 'tls needs protocol HTTPS',
  },
  {
    rule: "!has(self.tls) || self.tls.mode != 'Secret' || has(self.tls.secretName)",
    fieldPath: '.tls',
    message: 'tls.mode Secret needs tls.secretName',
  },
  {
    rule: "!has(self.tls) || self.tls.mode != 'Passthrough' || self.path == ''",
    fieldPath: '.tls',
    message:
      'with tls.mode Passthrough the path cannot be seen: leave path out, or use another mode',
  },
];

export const updateStrategyRules: readonly ValidationRule[] = [
  {
    rule: "!(self.type in ['Recreate', 'BlueGreen']) || self.order == 'Auto'",
    fieldPath: '.order',
    message:
      'order has no meaning with types Recreate and BlueGreen, which decide it: leave it out, or use type Rolling or Canary',
  },
];

export const canaryRules: readonly ValidationRule[] = [
  {
    rule: "type(self.count) == int ? self.count >= 1 : self.count.matches('^([1-9][0-9]?|100)%$')",
    fieldPath: '.count',
    message: 'count must be a number of at least 1, or a share from "1%" to "100%"',
  },
];

export const hookRules: readonly ValidationRule[] = [
  {
    rule: '(has(self.command) && self.command.size() > 0) || (has(self.args) && self.args.size() > 0)',
    message: 'a hook needs a command, or args for the entrypoint of the image',
  },
];

export const volumeRules: readonly ValidationRule[] = [
  {
    rule: '!self.external || (!has(self.driver) && !has(self.size) && !has(self.labels))',
    message: 'an external volume is used as it is: leave out driver, size and labels, or external',
  },
];

export const configRules: readonly ValidationRule[] = [
  {
    rule: 'has(self.content) != has(self.binaryContent)',
    message: 'a config needs either content or binaryContent',
  },
];
