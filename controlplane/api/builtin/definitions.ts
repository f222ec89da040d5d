// The list of everything the server serves without a CustomResourceDefinition.
import type { ResourceDefinition } from '../resource.ts';
import { admissionregistrationKinds } from './admissionregistration.ts';
import { apiextensionsKinds } from './apiextensions.ts';
import { appsKinds } from './apps.ts';
import { autoscalingKinds } from './autoscaling.ts';
import { batchKinds } from './batch.ts';
import { certificatesKinds } from './certificates.ts';
import { coordinationKinds } from './coordination.ts';
import { coreKinds } from './core.ts';
import type { SchemaLookup } from './define.ts';
import { define } from './define.ts';
import { resourceKinds } from './dynamic-resources.ts';
import { eventsKinds } from './event-v1.ts';
import { flowcontrolKinds } from './flowcontrol.ts';
import { networkingKinds } from './networking.ts';
import { policyKinds } from './policy.ts';
import { rbacKinds } from './rbac.ts';
import { schedulingKinds } from './scheduling.ts';
import { storageKinds } from './storage.ts';
import { reviewKinds } from './reviews.ts';

/** All built-in kinds, with their schemas from `schemaOf`. */
export function builtinDefinitions(schemaOf: SchemaLookup): readonly ResourceDefinition[] {
  const rows = [
    ...coreKinds,
    ...appsKinds,
    ...certificatesKinds,
    ...coordinationKinds,
    ...policyKinds,
    ...rbacKinds,
    ...reviewKinds,
    ...apiextensionsKinds,
    ...autoscalingKinds,
    ...batchKinds,
    ...networkingKinds,
    ...eventsKinds,
    ...storageKinds,
    ...schedulingKinds,
    ...admissionregistrationKinds,
    ...flowcontrolKinds,
    ...resourceKinds,
  ];
  return rows.map((row) => define(row, schemaOf));
}
