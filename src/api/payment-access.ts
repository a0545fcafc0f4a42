import { PAYMENT_TYPES } from '../domain/payment-events.js';
import type { RecordedEvent } from '../runtime/event-store.js';
import type { Caller, KeyRole } from './api-keys.js';

/**
 * Who may know what was paid for an order, how, and what is still due. Whoever packs and ships does not need it. This holds at every door:
 * the routes of payments, the order itself and all that answers with it, its events, its timeline, the work queues.
 */
export const PAYMENT_READERS = ['channel', 'finance', 'reader'] as const;

const ROLES: ReadonlySet<KeyRole> = new Set(['admin', ...PAYMENT_READERS]);

export const seesPayments = ({ role }: Pick<Caller, 'role'>): boolean => ROLES.has(role);

/** Whether a caller may see an event of an order. */
export const seesEvent =
  (caller: Pick<Caller, 'role'>): ((recorded: RecordedEvent) => boolean) =>
  ({ event }) =>
    seesPayments(caller) || !PAYMENT_TYPES.has(event.type);
