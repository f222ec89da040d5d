// Volumes of a Pod: one source each, with what that source needs. Rare kinds of storage are checked for what they cannot do without.
import type { FieldError } from '#controlplane/api/errors.ts';
import {
  duplicateField,
  forbiddenField,
  invalidField,
  invalidFields,
  requiredField,
  unsupportedField,
} from '#controlplane/api/field-errors.ts';
import { fieldAt, isObject, listAt, stringAt } from '#controlplane/api/fields.ts';
import { checkDNSLabel, checkDNSSubdomain } from '#controlplane/api/names.ts';
import { validateClaimSpec } from './claim-rules.ts';
import { validateInnerPath, validateNoBacksteps } from './path-rules.ts';
import {
  validateFileMode,
  validateItem,
  validatePodFile,
  validateSources,
} from './projection-rules.ts';
import { quantityOf } from './resource-rules.ts';

type Check = (source: unknown, field: string) => readonly FieldError[];

/** Fields that may not be empty. */
const needs =
  (...names: readonly string[]): Check =>
  (source, field) =>
    names
      .filter((name) => isEmpty(fieldAt(source, name)))
      .map((name) => requiredField(`${field}.${name}`));

function isEmpty(value: unknown): boolean {
  return value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
}

const HOST_PATH_TYPES = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
] as const;

export const validateHostPath: Check = (source, field) => {
  const path = stringAt(source, 'path');
  if (path === '') return [requiredField(`${field}.path`)];
  const type = stringAt(source, 'type');
  const isKnown = HOST_PATH_TYPES.some((known) => known === type);
  return [
    ...validateNoBacksteps(path, `${field}.path`),
    ...(isKnown ? [] : [unsupportedField(`${field}.type`, type, HOST_PATH_TYPES)]),
  ];
};

export const validateNFS: Check = (source, field) => {
  const path = stringAt(source, 'path');
  const errors = [...needs('server', 'path')(source, field)];
  if (!path.startsWith('/'))
    errors.push(invalidField(`${field}.path`, path, 'must be an absolute path'));
  return errors;
};

/** The name of a CSI driver. */
function validateDriverName(name: string, field: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (name === '') errors.push(requiredField(field));
  if (name.length > 63)
    errors.push({
      reason: 'FieldValueTooLong',
      field,
      message: 'Too long: may not be more than 63 bytes',
    });
  return [...errors, ...invalidFields(field, name, checkDNSSubdomain(name.toLowerCase()))];
}

const files =
  (nameField: string): Check =>
  (source, field) => [
    ...needs(nameField)(source, field),
    ...validateFileMode(fieldAt(source, 'defaultMode'), `${field}.defaultMode`),
    ...listAt(source, 'items').flatMap((item, index) =>
      validateItem(item, `${field}.items[${index}]`),
    ),
  ];

/** In the order in which upstream looks: all but the first are told to be too many. */
const SOURCES: readonly (readonly [name: string, check: Check])[] = [
  [
    'emptyDir',
    (source, field) => {
      const quantity = quantityOf(fieldAt(source, 'sizeLimit'));
      const why = 'SizeLimit field must be a valid resource quantity';
      return quantity !== undefined && quantity.nano < 0n
        ? [forbiddenField(`${field}.sizeLimit`, why)]
        : [];
    },
  ],
  ['hostPath', validateHostPath],
  [
    'gitRepo',
    (source, field) => [
      ...needs('repository')(source, field),
      ...validateInnerPath(stringAt(source, 'directory'), `${field}.directory`),
    ],
  ],
  ['gcePersistentDisk', needs('pdName')],
  ['awsElasticBlockStore', needs('volumeID')],
  ['secret', files('secretName')],
  ['nfs', validateNFS],
  ['iscsi', needs('targetPortal', 'iqn')],
  ['glusterfs', needs('endpoints', 'path')],
  ['persistentVolumeClaim', needs('claimName')],
  ['rbd', needs('monitors', 'image')],
  ['cinder', needs('volumeID')],
  ['cephfs', needs('monitors')],
  ['flocker', () => []],
  [
    'downwardAPI',
    (source, field) => [
      ...validateFileMode(fieldAt(source, 'defaultMode'), `${field}.defaultMode`),
      ...listAt(source, 'items').flatMap((item) => validatePodFile(item, field)),
    ],
  ],
  [
    'fc',
    (source, field) => {
      const names = listAt(source, 'targetWWNs').length;
      const ids = listAt(source, 'wwids').length;
      const errors: FieldError[] = [];
      const why = 'targetWWNs and wwids can not be specified simultaneously';
      if (names > 0 && ids > 0) errors.push(invalidField(`${field}.targetWWNs`, '', why));
      if (names === 0 && ids === 0) {
        const both = 'must specify either targetWWNs or wwids, but not both';
        errors.push(requiredField(`${field}.targetWWNs`, both));
      } else if (names > 0 && fieldAt(source, 'lun') === undefined)
        errors.push(requiredField(`${field}.lun`, 'lun is required if targetWWNs is specified'));
      return errors;
    },
  ],
  ['flexVolume', needs('driver')],
  ['configMap', files('name')],
  ['azureFile', needs('secretName', 'shareName')],
  ['vsphereVolume', needs('volumePath')],
  ['quobyte', needs('registry', 'volume')],
  ['azureDisk', needs('diskName', 'diskURI')],
  ['storageos', () => []],
  [
    'projected',
    (source, field) => [
      ...validateFileMode(fieldAt(source, 'defaultMode'), `${field}.defaultMode`),
      ...validateSources(source, field),
    ],
  ],
  ['scaleIO', needs('gateway', 'system', 'volumeName')],
  [
    'csi',
    (source, field) => {
      const errors = [...validateDriverName(stringAt(source, 'driver'), `${field}.driver`)];
      const secret = fieldAt(source, 'nodePublishSecretRef');
      if (secret !== undefined && stringAt(secret, 'name') === '')
        errors.push(requiredField(`${field}.nodePublishSecretRef.name`));
      return errors;
    },
  ],
  [
    'ephemeral',
    (source, field) => {
      const template = fieldAt(source, 'volumeClaimTemplate');
      const at = `${field}.volumeClaimTemplate`;
      if (!isObject(template)) return [requiredField(at)];
      const fixed = Object.keys(isObject(template['metadata']) ? template['metadata'] : {})
        .filter(
          (name) => name !== 'annotations' && name !== 'labels' && name !== 'creationTimestamp',
        )
        .map((name) => forbiddenField(`${at}.metadata.${name}`, 'cannot be set'));
      return [...fixed, ...validateClaimSpec(template['spec'], `${at}.spec`)];
    },
  ],
  ['image', () => []],
];

/** @param at the list: `spec.volumes` */
export function validateVolumes(list: readonly unknown[], at: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, volume] of list.entries()) {
    const field = `${at}[${index}]`;
    const given = SOURCES.filter(([source]) => fieldAt(volume, source) !== undefined);
    for (const [order, [source, check]] of given.entries()) {
      const where = `${field}.${source}`;
      if (order > 0) errors.push(forbiddenField(where, 'may not specify more than 1 volume type'));
      else errors.push(...check(fieldAt(volume, source), where));
    }
    const name = stringAt(volume, 'name');
    const wrong = name === '' ? undefined : checkDNSLabel(name);
    if (name === '') errors.push(requiredField(`${field}.name`));
    errors.push(...invalidFields(`${field}.name`, name, wrong));
    if (name !== '' && wrong === undefined && names.has(name))
      errors.push(duplicateField(`${field}.name`, name));
    names.add(name);
  }
  return errors;
}
