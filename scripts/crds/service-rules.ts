// The rules of the Service kind that its schema alone cannot say: what would otherwise show only once the controller or a
// node tries. Every list that a rule runs over has a maxItems, since Kubernetes refuses rules whose cost, as it estimates it, is too
// high. That rules out regular expressions over int-or-string fields, whose length it takes to be that of the longest request, and
// messages that join names. test/integration/foreign-server.test.ts shows that it takes these.

interface ValidationRule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

/** Of text, what does not begin with a digit: the colon is the next character after 9. */
const NAMED = "type(i.targetPort) == string && (i.targetPort >= ':' || i.targetPort == '')";
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
      'no volume of that name for one of volumeMounts: add an entry of that name to spec.volumes, or to the volumes of the template',
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
      'no container of the template declares a port of that name: declare it in ports, or use a number as targetPort',
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
    rule: "!has(self.redirectFrom) || self.redirectFrom == 0 || self.protocol == 'HTTPS'",
    fieldPath: '.redirectFrom',
    message: 'redirectFrom needs protocol HTTPS: it is the port of HTTP that leads to this one',
  },
  {
    rule: '!has(self.redirectFrom) || self.redirectFrom != self.port',
    fieldPath: '.redirectFrom',
    message: 'redirectFrom is the port itself: name the port where HTTP is asked for, such as 80',
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
    // Kubernetes judges the default of the whole, {}, before those of its fields are put in.
    rule: "!has(self.type) || !(self.type in ['Recreate', 'BlueGreen']) || !has(self.order) || self.order == 'Auto'",
    fieldPath: '.order',
    message:
      'order has no meaning with types Recreate and BlueGreen, which decide it: leave it out, or use type Rolling or Canary',
  },
];

const SHARES = Array.from({ length: 100 }, (_, index) => `'${index + 1}%'`);

export const canaryRules: readonly ValidationRule[] = [
  {
    rule: `type(self.count) == int ? self.count >= 1 : self.count in [${SHARES.join(', ')}]`,
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

export const ulimitRules: readonly ValidationRule[] = [
  {
    rule: 'self.hard == -1 || (self.soft != -1 && self.soft <= self.hard)',
    fieldPath: '.soft',
    message:
      'soft is above hard, which is the most that it can be: lower soft, or raise hard (-1: no limit)',
  },
];

export const configRules: readonly ValidationRule[] = [
  {
    rule: 'has(self.content) != has(self.binaryContent)',
    message: 'a config needs either content or binaryContent',
  },
];
