import type { OrderState } from '../domain/order-state.js';

/** Named in one sentence; the others are counted. */
export const LISTED_MAX = 5;

/** `a, b and c`; `a, b, c, d, e and 7 more`. */
export const listed = (parts: readonly string[]): string => {
  const shown = parts.length > LISTED_MAX ? parts.slice(0, LISTED_MAX) : parts.slice(0, -1);
  const last = parts.length > LISTED_MAX ? `${parts.length - LISTED_MAX} more` : (parts.at(-1) ?? '');
  return shown.length === 0 ? last : `${shown.join(', ')} and ${last}`;
};

export const because = (reason: string): string => (reason === '' ? '' : `: ${reason}`);

/** `2 of 3 MUG`. */
export const partsOf =
  ({ lines }: OrderState) =>
  ({ lineId, quantity }: { readonly lineId: string; readonly quantity: number }): string => {
    const line = lines.get(lineId);
    return line === undefined
      ? `${quantity} of line ${lineId}`
      : `${quantity} of ${line.quantity} ${line.sku}`;
  };

/** `, 2 CUP not held yet`; nothing where there is none. */
export const lackingText = (
  short: readonly { readonly sku: string; readonly quantity: number }[] = [],
): string =>
  short.length === 0
    ? ''
    : `, ${listed(short.map(({ sku, quantity }) => `${quantity} ${sku}`))} not held yet`;

/** `3 MUG in main (shop said insufficient_stock)`. */
export const heldText = (
  allocations: readonly {
    readonly sku: string;
    readonly location: string;
    readonly quantity: number;
    readonly refused: readonly { readonly location: string; readonly code: string }[];
  }[],
): string =>
  listed(
    allocations.map(({ sku, location, quantity, refused }) => {
      const asked = refused.map((one) => `${one.location} said ${one.code}`);
      return `${quantity} ${sku} in ${location}${asked.length === 0 ? '' : ` (${listed(asked)})`}`;
    }),
  );
