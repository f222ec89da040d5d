// What an Artifact asks for.
import { text } from './fields.ts';
import type { OpenAPISchema } from './open-api-schema.ts';

const URL_LENGTH = 2048;
const TOKENS =
  '%v is the version (escaped), %p the architecture, %x .exe on Windows, %% a percent sign.';

function shortText(description: string, maxLength = 256): OpenAPISchema {
  return { type: 'string', minLength: 1, maxLength, description };
}

const url = (description: string): OpenAPISchema => ({
  ...shortText(description, URL_LENGTH),
  pattern: '^https?://',
});

const headersSecretRef: OpenAPISchema = {
  type: 'object',
  required: ['name'],
  description:
    'A Secret of this namespace. Each of its keys is the name of a header and its value what is sent, to the host of the URL only and over https only (plain http is for this machine). For an image: a Secret of type kubernetes.io/dockerconfigjson.',
  properties: {
    name: shortText('Name of the Secret.', 253),
    key: shortText('Only this key: its name is the header. Default: all keys.', 253),
  },
};

/** Names of the fields, of which each source has one. */
const WAYS = ['github', 'url', 'mirror', 'localPath', 'existing', 'image'] as const;

const source: OpenAPISchema = {
  type: 'object',
  properties: {
    github: {
      type: 'object',
      required: ['owner', 'repository', 'asset'],
      description: 'A file of a GitHub release.',
      properties: {
        owner: shortText('Whose repository it is.', 100),
        repository: shortText('Name of the repository.', 100),
        asset: shortText(`Name of the file. ${TOKENS}`),
        tag: shortText(`Tag of the release; default: the version. ${TOKENS}`),
      },
    },
    url: url(`Where it is. ${TOKENS}`),
    mirror: {
      type: 'object',
      required: ['url'],
      description:
        'Another server with the same paths as the first source that is github or a url, below this base.',
      properties: { url: url('Base; the path of the other source is put behind it.') },
    },
    localPath: shortText(
      'A file on the machine of the controllers, relative to the folders that they were given (--artifact-files; with `up` those of --manifests too), and nowhere else.',
      1024,
    ),
    existing: {
      type: 'object',
      required: ['path'],
      description: 'The hosts have it already; nothing is brought there.',
      properties: {
        path: { ...shortText('Absolute path on the host.', 1024), pattern: '^/' },
      },
    },
    image: shortText(
      'An OCI image, or an OCI artifact of one layer where type is File or Tar: name[:tag][@digest].',
      512,
    ),
    headersSecretRef,
  },
  'x-kubernetes-validations': [
    {
      rule: `[${WAYS.map((way) => `has(self.${way})`).join(', ')}].filter(x, x).size() == 1`,
      message: `a source must have exactly one of ${WAYS.join(', ')}`,
    },
  ],
};

export const artifactSpec: OpenAPISchema = {
  type: 'object',
  required: ['sources'],
  description: 'What is wanted, where it comes from, and how it gets to hosts.',
  properties: {
    type: {
      type: 'string',
      enum: ['File', 'Tar', 'OCIImage'],
      default: 'File',
      description:
        'File: a program or any other file. Tar: an archive (tar, tar.gz, tar.zst) that is unpacked on hosts. OCIImage: an image with its layers.',
    },
    version: shortText('Of what is wanted, as in its URL: v1.30.1+k0s.0.', 128),
    os: {
      type: 'string',
      enum: ['linux', 'windows', 'darwin'],
      default: 'linux',
      description: 'Operating system it is for, as Go spells it.',
    },
    architecture: {
      ...shortText('Architecture it is for, as Go spells it: amd64, arm64.', 32),
      pattern: '^[a-z0-9]+$',
      default: 'amd64',
    },
    sources: {
      type: 'array',
      minItems: 1,
      maxItems: 16,
      items: source,
      'x-kubernetes-list-type': 'atomic',
      description: 'Asked in this order, until one has the bytes that the digest promises.',
    },
    sha256: {
      ...text(
        'The published digest: 64 hexadecimal digits, with or without sha256: before them. Of an image: that of its manifest.',
      ),
      pattern: '^(sha256:)?[0-9a-f]{64}$',
      maxLength: 71,
    },
    sha256From: {
      type: 'object',
      required: ['url'],
      description:
        'A file that publishes the digest: the digits alone, or lines as sha256sum writes them. At most 1 KiB.',
      properties: { url: url(`Where it is. ${TOKENS}`), headersSecretRef },
    },
    delivery: {
      type: 'string',
      enum: ['Upload', 'NodePull', 'Existing'],
      default: 'Upload',
      description:
        'Upload: fetched once, kept here, and sent to each host. NodePull: each host fetches it. Existing: the hosts have it.',
    },
    retain: {
      type: 'integer',
      format: 'int32',
      minimum: 0,
      maximum: 100,
      default: 1,
      description: 'How many earlier digests of this Artifact are kept, to go back to.',
    },
    installPath: {
      ...shortText(
        'Absolute path on the host where it belongs, unless whoever names it says otherwise; of an archive, the folder.',
        1024,
      ),
      pattern: '^/',
    },
    mode: {
      anyOf: [{ type: 'integer' }, { type: 'string' }],
      'x-kubernetes-int-or-string': true,
      minimum: 0,
      maximum: 511,
      pattern: '^0?[0-7]{3}$',
      description:
        "Permission bits on the host: '0755', or the same number in decimal (493). Default 0755. Of an archive: those of its folder.",
    },
  },
  'x-kubernetes-validations': [
    {
      rule: '!has(self.sha256) || !has(self.sha256From)',
      message: 'give sha256 or sha256From, not both',
    },
    {
      rule: 'has(self.sha256) || has(self.sha256From) || self.sources.all(s, has(s.localPath) || has(s.existing) || has(s.image))',
      message:
        'give sha256 or sha256From: what comes over the network is compared with it before it is used',
    },
    {
      rule: "(self.delivery == 'Existing') == self.sources.all(s, has(s.existing))",
      fieldPath: '.delivery',
      message:
        'delivery Existing goes with sources that are all existing, and existing with no other delivery',
    },
    {
      rule: 'self.sources.all(s, has(s.existing)) || !self.sources.exists(s, has(s.existing))',
      fieldPath: '.sources',
      message: 'existing cannot be mixed with sources of other kinds',
    },
    {
      rule: "self.delivery != 'NodePull' || self.sources.all(s, has(s.github) || has(s.url) || has(s.mirror))",
      fieldPath: '.delivery',
      message: 'delivery NodePull needs sources that hosts can reach: github, url or mirror',
    },
    {
      rule: "self.delivery != 'Existing' || self.type != 'Tar'",
      fieldPath: '.type',
      message:
        'an archive that is on the hosts is not unpacked: give type File, or another delivery',
    },
    {
      rule: "self.type != 'OCIImage' || self.sources.all(s, has(s.image))",
      fieldPath: '.sources',
      message: 'type OCIImage needs sources that are all image',
    },
    {
      rule: '!self.sources.exists(s, has(s.mirror)) || self.sources.exists(s, has(s.github) || has(s.url))',
      fieldPath: '.sources',
      message: 'a mirror needs a github or url source whose path it mirrors',
    },
    {
      rule: "has(self.version) || !self.sources.exists(s, has(s.github) && !has(s.github.tag) || has(s.url) && s.url.contains('%v'))",
      fieldPath: '.version',
      message: 'version is missing, and a source needs it',
    },
  ],
};
