// Groups below k8s.io and kubernetes.io belong to the community: a definition in one says where its API was approved, or that it was
// not (upstream's api-approval policy).
import type { FieldError } from '#controlplane/api/errors.ts';
import { invalidField, requiredField } from '#controlplane/api/field-errors.ts';
import { stringAt } from '#controlplane/api/fields.ts';
import type { KubernetesObject } from '#controlplane/api/object.ts';
import type { Verdict } from './custom-resource-names.ts';

const ANNOTATION = 'api-approved.kubernetes.io';
const FIELD = `metadata.annotations[${ANNOTATION}]`;
const POLICY = 'see https://github.com/kubernetes/enhancements/pull/1111';
const MISSING = `protected groups must have approval annotation "${ANNOTATION}", ${POLICY}`;
const INVALID = `protected groups must have approval annotation "${ANNOTATION}" with either a URL or a reason starting with "unapproved", ${POLICY}`;

/** What the annotation says, as a condition; undefined for groups that everybody may use. */
export function approvalVerdict(object: KubernetesObject): Verdict | undefined {
  const group = stringAt(object, 'spec', 'group');
  if (!/(?:^|\.)(?:k8s|kubernetes)\.io$/.test(group)) return undefined;
  const annotation = annotationOf(object);
  if (annotation === '') return { status: 'False', reason: 'MissingAnnotation', message: MISSING };
  if (annotation.startsWith('unapproved')) {
    const message = `not approved: ${JSON.stringify(annotation)}`;
    return { status: 'False', reason: 'UnapprovedAnnotation', message };
  }
  if (isWebAddress(annotation)) {
    const message = `approved in ${annotation}`;
    return { status: 'True', reason: 'ApprovedAnnotation', message };
  }
  return { status: 'False', reason: 'InvalidAnnotation', message: INVALID };
}

/** Why this write is refused; one that leaves what the annotation says as it was never is. */
export function approvalProblem(
  object: KubernetesObject,
  old: KubernetesObject | undefined,
): readonly FieldError[] {
  const now = approvalVerdict(object)?.reason;
  if (old !== undefined && approvalVerdict(old)?.reason === now) return [];
  if (now === 'MissingAnnotation') return [requiredField(FIELD, MISSING)];
  if (now === 'InvalidAnnotation') return [invalidField(FIELD, annotationOf(object), INVALID)];
  return [];
}

function annotationOf({ metadata }: KubernetesObject): string {
  return metadata.annotations?.[ANNOTATION] ?? '';
}

function isWebAddress(text: string): boolean {
  return URL.parse(text)?.host !== '' && URL.canParse(text);
}
