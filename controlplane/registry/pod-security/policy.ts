// Which pod security a namespace asks for by its labels: `pod-security.kubernetes.io/{enforce,audit,warn}[-version]`. Pure.
import type { FieldError } from '#controlplane/api/errors.ts';
import { invalidField } from '#controlplane/api/field-errors.ts';

const PREFIX = 'pod-security.kubernetes.io/';
export const ENFORCE = `${PREFIX}enforce`;
const AUDIT = `${PREFIX}audit`;
const WARN = `${PREFIX}warn`;
const VERSION = '-version';

export type Level = 'privileged' | 'baseline' | 'restricted';

const STRICTNESS: readonly string[] = ['privileged', 'baseline', 'restricted'];

export interface LevelVersion {
  readonly level: Level;
  /** `latest` or `v1.N`. */
  readonly version: string;
}

export interface SecurityPolicy {
  readonly enforce: LevelVersion;
  readonly audit: LevelVersion;
  readonly warn: LevelVersion;
}

type Labels = Readonly<Record<string, string>>;

/** Undefined for a namespace that asks for nothing: looked at for every Pod, so it must cost nothing. */
export function securityPolicyOf(labels: Labels): SecurityPolicy | undefined {
  if (labels[ENFORCE] === undefined && labels[AUDIT] === undefined && labels[WARN] === undefined) {
    return undefined;
  }
  // A level that nobody knows is enforced as the strictest.
  return {
    enforce: read(labels, ENFORCE, 'restricted'),
    audit: read(labels, AUDIT, 'privileged'),
    warn: read(labels, WARN, 'privileged'),
  };
}

/** `restricted:latest`, as messages have it. */
export function policyText({ level, version }: LevelVersion): string {
  return `${level}:${version}`;
}

/** 34 of `v1.34`; Infinity for the latest. */
export function minorOf({ version }: LevelVersion): number {
  return version === 'latest' ? Infinity : Number(version.slice('v1.'.length));
}

/** Whether the first asks for more than the second. */
export function isStricter(a: LevelVersion, b: LevelVersion): boolean {
  return STRICTNESS.indexOf(a.level) > STRICTNESS.indexOf(b.level);
}

export function samePolicy(a: LevelVersion, b: LevelVersion): boolean {
  return a.level === b.level && a.version === b.version;
}

/** What is wrong with the labels. */
export function labelErrors(labels: Labels): FieldError[] {
  return [ENFORCE, AUDIT, WARN].flatMap((mode) => {
    const level = labels[mode];
    const version = labels[mode + VERSION];
    const at = (label: string): string => `metadata.labels[${label}]`;
    return [
      ...(level === undefined || isLevel(level)
        ? []
        : [invalidField(at(mode), level, `must be one of ${STRICTNESS.join(', ')}`)]),
      ...(version === undefined || isVersion(version)
        ? []
        : [invalidField(at(mode + VERSION), version, 'must be "latest" or "v1.x"')]),
    ];
  });
}

function isLevel(text: string): text is Level {
  return STRICTNESS.includes(text);
}

function isVersion(text: string): boolean {
  return text === 'latest' || /^v1\.(0|[1-9]\d{0,5})$/.test(text);
}

function read(labels: Labels, mode: string, otherwise: Level): LevelVersion {
  const level = labels[mode];
  const version = labels[mode + VERSION] ?? 'latest';
  return {
    level: level === undefined ? 'privileged' : isLevel(level) ? level : otherwise,
    version: isVersion(version) ? version : 'latest',
  };
}
