import type { StoredEvent } from '../../../src/runtime/event-store.js';
import type { Recorded } from '../history.js';
import { count, type Data, dataOf, rows } from './raw-log.js';

/** Why a payment is let go of are words about it: whoever was first said them. */
export const asSent = ({ kind, body: { reason, ...body } }: Recorded): Data =>
  kind === 'void_payment' || reason === undefined ? body : { reason, ...body };

/** An exchange is sent as the order that it is for, and recorded with that order inside. */
export const asRecorded = (event: StoredEvent): Data => {
  const data = dataOf(event);
  return event.type === 'OrderExchangeAgreed' ? { ...(data.order as Data), ...data } : data;
};

/**
 * The first field that was sent and recorded, and not the same; what only one of them has was not asked or was decided. Lines that are
 * named by their id are found by it, whatever parts they are recorded in: a shipment takes the order's charges along, and goes from two
 * places.
 */
export const differenceOf = (sent: unknown, recorded: unknown, path = ''): string | undefined => {
  if (Array.isArray(sent) && Array.isArray(recorded)) {
    const byId = rows(sent).every(({ lineId }) => lineId !== undefined);
    if (!byId && sent.length !== recorded.length) return `${path}: ${sent.length} became ${recorded.length}`;
    for (const [index, one] of rows(sent).entries()) {
      const other = byId ? partsOf(one, rows(recorded)) : recorded[index];
      const found = differenceOf(one, other, `${path}/${index}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (typeof sent === 'object' && sent !== null && typeof recorded === 'object' && recorded !== null) {
    for (const [name, value] of Object.entries(sent as Data)) {
      const other = (recorded as Data)[name];
      const found = other === undefined ? undefined : differenceOf(value, other, `${path}/${name}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return sent === recorded ? undefined : `${path}: ${String(sent)} became ${String(recorded)}`;
};

/** All that is recorded of a line (with that outcome, where it was sent with one), as one. */
const partsOf = ({ lineId, outcome }: Data, recorded: readonly Data[]): Data | undefined => {
  const parts = recorded.filter(
    (one) => one.lineId === lineId && (outcome === undefined || one.outcome === outcome),
  );
  const [first] = parts;
  if (first?.quantity === undefined) return first;
  return { ...first, quantity: parts.reduce((sum, { quantity }) => sum + count(quantity), 0) };
};
