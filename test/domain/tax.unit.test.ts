import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type TaxPart, taxShares } from '../../src/domain/tax.js';

const amounts = (shares: readonly { amount: string }[]): string[] => shares.map(({ amount }) => amount);

describe('duty and VAT on 3 units that do not divide', () => {
  const taxes: TaxPart[] = [
    { kind: 'duty', country: 'GB', rate: '0.1', amount: '10.00' },
    { kind: 'vat', name: 'UK VAT', country: 'GB', amount: '20.00' },
  ];

  test('each is spread by itself, and the tax of a unit is the sum of its parts', () => {
    const units = [0, 1, 2].map((n) => taxShares(taxes, 'GBP', 3, n, n + 1));
    expect(units.map((one) => amounts(one.taxes))).toEqual([
      ['3.34', '6.67'],
      ['3.33', '6.67'],
      ['3.33', '6.66'],
    ]);
    // Spread as one, 30.00 would be 10.00 a unit: another cent for the first unit, and a part that does not add up.
    expect(units.map(({ tax }) => tax)).toEqual([1001n, 1000n, 999n]);
  });

  test('a share says of what it is, and no rate, which would be that of the line', () => {
    expect(taxShares(taxes, 'GBP', 3, 0, 3)).toEqual({
      tax: 3000n,
      taxes: [
        { kind: 'duty', country: 'GB', amount: '10.00' },
        { kind: 'vat', name: 'UK VAT', country: 'GB', amount: '20.00' },
      ],
    });
  });
});

test('any partition of the units gives back every part exactly, and their sum', () => {
  const minor = fc.nat(1_000_000);
  const line = fc.integer({ min: 1, max: 40 }).chain((quantity) =>
    fc.record({
      quantity: fc.constant(quantity),
      parts: fc.array(minor, { minLength: 1, maxLength: 5 }),
      cuts: fc.array(fc.nat(quantity), { maxLength: 8 }),
    }),
  );
  fc.assert(
    fc.property(line, ({ quantity, parts, cuts }) => {
      const taxes = parts.map((part): TaxPart => ({ kind: 'duty', amount: `${part}` }));
      const borders = [0, ...cuts.sort((a, b) => a - b), quantity];
      const sums = parts.map(() => 0n);
      let tax = 0n;
      borders.slice(1).forEach((to, index) => {
        const shares = taxShares(taxes, 'JPY', quantity, borders[index] ?? 0, to);
        shares.taxes.forEach(({ amount }, part) => {
          sums[part] = (sums[part] ?? 0n) + BigInt(amount);
        });
        expect(shares.taxes.reduce((sum, { amount }) => sum + BigInt(amount), 0n)).toBe(shares.tax);
        tax += shares.tax;
      });
      expect(sums).toEqual(parts.map(BigInt));
      expect(tax).toBe(parts.reduce((sum, part) => sum + BigInt(part), 0n));
    }),
    { numRuns: 2_000 },
  );
});
