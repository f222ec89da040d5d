// Quantities in rules (`quantity("1.5Gi")`), exact.
import { formatQuantity, parseQuantity } from '#platform/quantity.ts';
import type { Quantity } from '#platform/quantity.ts';
import { EvaluationError } from '../meter.ts';
import { Opaque } from '../values.ts';
import { row } from './row.ts';
import type { FunctionRow } from './row.ts';

const NANO = 1_000_000_000n;
const TYPE = 'kubernetes.Quantity';

export class QuantityValue extends Opaque {
  readonly typeName = TYPE;
  readonly quantity: Quantity;

  constructor(quantity: Quantity) {
    super();
    this.quantity = quantity;
  }

  /** Equal is what is equally much: `1000m` and `1`. */
  canonical(): string {
    return formatQuantity({ ...this.quantity, format: 'decimal' });
  }
}

function parse(text: string): QuantityValue {
  const quantity = parseQuantity(text);
  if (quantity === undefined) {
    throw new EvaluationError('quantities must match the regular expression of resource.Quantity');
  }
  return new QuantityValue(quantity);
}

function isInteger({ quantity }: QuantityValue): boolean {
  return quantity.nano % NANO === 0n && quantity.nano / NANO < 2n ** 63n;
}

function moved(value: QuantityValue, nano: bigint): QuantityValue {
  return new QuantityValue({ ...value.quantity, nano: value.quantity.nano + nano });
}

function order(a: QuantityValue, b: QuantityValue): number {
  const { nano: left } = a.quantity;
  const { nano: right } = b.quantity;
  return left < right ? -1 : Number(left > right);
}

export const quantityFunctions: readonly FunctionRow[] = [
  row(`quantity(string): ${TYPE}`, (_, text: string) => parse(text)),
  row('isQuantity(string): bool', (_, text: string) => parseQuantity(text) !== undefined),
  row(`${TYPE}.isInteger(): bool`, (_, value: QuantityValue) => isInteger(value)),
  row(`${TYPE}.asInteger(): int`, (_, value: QuantityValue) => {
    if (!isInteger(value)) throw new EvaluationError('cannot convert value to integer');
    return value.quantity.nano / NANO;
  }),
  row(`${TYPE}.asApproximateFloat(): double`, (_, value: QuantityValue) => {
    return Number(value.quantity.nano) / 1e9;
  }),
  row(`${TYPE}.sign(): int`, (_, { quantity: { nano } }: QuantityValue) =>
    nano === 0n ? 0n : nano < 0n ? -1n : 1n,
  ),
  row(`${TYPE}.add(${TYPE}): ${TYPE}`, (_, a: QuantityValue, b: QuantityValue) =>
    moved(a, b.quantity.nano),
  ),
  row(`${TYPE}.add(int): ${TYPE}`, (_, a: QuantityValue, b: bigint) => moved(a, b * NANO)),
  row(`${TYPE}.sub(${TYPE}): ${TYPE}`, (_, a: QuantityValue, b: QuantityValue) =>
    moved(a, -b.quantity.nano),
  ),
  row(`${TYPE}.sub(int): ${TYPE}`, (_, a: QuantityValue, b: bigint) => moved(a, -b * NANO)),
  row(`${TYPE}.compareTo(${TYPE}): int`, (_, a: QuantityValue, b: QuantityValue) =>
    BigInt(order(a, b)),
  ),
  row(
    `${TYPE}.isLessThan(${TYPE}): bool`,
    (_, a: QuantityValue, b: QuantityValue) => order(a, b) < 0,
  ),
  row(
    `${TYPE}.isGreaterThan(${TYPE}): bool`,
    (_, a: QuantityValue, b: QuantityValue) => order(a, b) > 0,
  ),
];
