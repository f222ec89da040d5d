// What the server knows about the shape of a value. Built-in types (from the generated corpus) and custom resources
// (from their structural schemas) meet in this one form; decoding, defaulting, pruning, validation, strategic merge,
// server-side apply and OpenAPI all read it. Schemas may be recursive, so walk values, not schemas.

export type SchemaType =
  | 'object'
  | 'array'
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  /** `x-kubernetes-int-or-string`. */
  | 'intOrString'
  /** Any JSON value: RawExtension, JSON, FieldsV1, preserve-unknown subtrees without a type. */
  | 'any';

export interface Schema {
  readonly type: SchemaType;
  /** `int32`, `int64`, `byte`, `date-time`, `micro-time`, `quantity`, `duration`, `double` … */
  readonly format?: string;
  /** OpenAPI component name of a named type: `io.k8s.api.core.v1.PodSpec`. */
  readonly component?: string;
  readonly description?: string;

  /** Known fields of a struct. An object without `properties` but with `additionalProperties` is a map. */
  readonly properties?: Readonly<Record<string, Property>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  /** Unknown fields are kept here (`x-kubernetes-preserve-unknown-fields`). */
  readonly preserveUnknownFields?: boolean;
  /** Carries apiVersion, kind and metadata of its own (`x-kubernetes-embedded-resource`). */
  readonly embeddedResource?: boolean;

  /** Bounds of a built-in type: told in the words of upstream's own rules, not of schemas. */
  readonly isBuiltin?: true;
  /** What its fields may be, or only which there must be, is left to rules: ruled-types.ts. */
  readonly ruled?: 'fields' | 'required';
  readonly required?: readonly string[];
  readonly nullable?: boolean;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly not?: Schema;
  /** `x-kubernetes-validations` as written: rules in CEL, for api/cel. */
  readonly validations?: readonly unknown[];

  /** `x-kubernetes-list-type`; absent means atomic. */
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  /** `x-kubernetes-map-type`; absent means granular. */
  readonly mapType?: 'granular' | 'atomic';
}

/** A field of a struct: its schema and what belongs to the field rather than to the type. */
export interface Property {
  readonly schema: Schema;
  /** Strategic merge: `merge`, `replace`, `retainKeys`, or two of them joined by a comma. */
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  /** Overrides of the type's own, for fields of a shared type. */
  readonly default?: unknown;
  /** A zero value ('', 0, false, [], {}) means the same as absence and is dropped when decoding, as upstream does. */
  readonly omitZero?: boolean;
  /** What upstream's decoder leaves in a field that is absent; undefined where absence stays absence. For who owns what. */
  readonly zero?: unknown;
}
