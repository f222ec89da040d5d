// The list of everything the server serves without a CustomResourceDefinition.
import type { ResourceDefinition } from '../resource.ts';
import { apiextensionsKinds } from './apiextensions.ts';
import { appsKinds } from './apps.ts';
import { coordinationKinds } from './coordination.ts';
import { coreKinds } from './core.ts';
import type { SchemaLookup } from './define.ts';
import { define } from './define.ts';
import { policyKinds } from './policy.ts';
import { rbacKinds } from './rbac.ts';

/** All built-in kinds, with their schemas from `schemaOf`. */
export function builtinDefinitions(schemaOf: SchemaLookup): readonly ResourceDefinition[] {
  const rows = [
    ...coreKinds,
    ...appsKinds,
    ...coordinationKinds,
    ...policyKinds,
    ...rbacKinds,
    ...apiextensionsKinds,
  ];
  return rows.map((row) => define(row, schemaOf));
}
