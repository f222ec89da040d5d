// The MachineOperation kind of windlass.dev/v1alpha1 as it travels on the wire (deploy/crds/windlass.dev_machineoperations.yaml), and of
// a Machine the part by which it is asked and answers.
import type { V1LabelSelector } from '@kubernetes/client-node';
import type { HostConnection } from '../hosts/host-connection.ts';
import type { ApiObject, ApiResource } from '../machinery/client-types.ts';
import type { Condition } from '../machinery/conditions.ts';

export const MACHINE_OPERATIONS: ApiResource = {
  group: 'windlass.dev',
  version: 'v1alpha1',
  resource: 'machineoperations',
  kind: 'MachineOperation',
  namespaced: true,
};

/** On an operation that has taken machines. */
export const FINALIZER = 'windlass.dev/machineoperations';

/** On a Machine: `<uid of the operation>/<type>`. The machine controller does it and answers in status.operation. */
export const OPERATION_ANNOTATION = 'windlass.dev/operation';

export type OperationType =
  'Preflight' | 'Start' | 'Stop' | 'Reboot' | 'Rollback' | 'Retry' | 'Reset' | 'CollectLogs';

export type OperationPhase = 'Pending' | 'InProgress' | 'Complete' | 'Failed';

export interface OperationResult {
  readonly machine: string;
  readonly phase: OperationPhase;
  readonly message?: string;
  readonly logs?: { readonly secretName: string; readonly bytes: number };
}

export interface OperationStatus {
  readonly observedGeneration?: number;
  readonly phase?: OperationPhase;
  readonly startTime?: string;
  readonly completionTime?: string;
  readonly message?: string;
  readonly results?: readonly OperationResult[];
  readonly conditions?: readonly Condition[];
}

export interface MachineOperation extends ApiObject {
  readonly spec: {
    readonly type: OperationType;
    readonly machineRef?: { readonly name: string };
    readonly selector?: V1LabelSelector;
    readonly deadline?: string;
    readonly ttlSecondsAfterFinished?: number;
  };
  readonly status?: OperationStatus;
}

/** Of a Machine what operations need. */
export interface TargetMachine extends ApiObject {
  readonly spec?: {
    readonly connection?: HostConnection;
    readonly providerRef?: { readonly name: string };
    readonly role?: string;
  };
  readonly status?: {
    readonly phase?: string;
    readonly operation?: {
      readonly uid?: string;
      readonly type?: string;
      readonly phase?: string;
      readonly message?: string;
    };
  };
}

/** What the annotation of a Machine says. */
export function annotationOf(operation: MachineOperation): string {
  return `${operation.metadata.uid}/${operation.spec.type}`;
}

export function isFinished({ status }: Pick<MachineOperation, 'status'>): boolean {
  return status?.phase === 'Complete' || status?.phase === 'Failed';
}
