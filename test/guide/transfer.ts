import { z } from 'zod';
import { type Decider, type DomainEvent, reject } from '../../src/domain/decider.js';
import { defineEvent } from '../../src/domain/event-definition.js';
import { quantity, recordedId } from '../../src/domain/schemas.js';

/** Units of one SKU that move from one location to another. One stream per transfer. */
const requested = z.object({ from: recordedId, to: recordedId, sku: recordedId, quantity });
const refused = z.object({ code: z.string() });

export const transferEvents = [
  defineEvent({ type: 'TransferRequested', version: 1, schema: requested }),
  defineEvent({ type: 'TransferDispatched', version: 1, schema: z.object({}) }),
  defineEvent({ type: 'TransferArrived', version: 1, schema: z.object({}) }),
  defineEvent({ type: 'TransferRefused', version: 1, schema: refused }),
];

export type TransferEvent =
  | DomainEvent<'TransferRequested', z.infer<typeof requested>>
  | DomainEvent<'TransferDispatched' | 'TransferArrived', Record<string, never>>
  | DomainEvent<'TransferRefused', z.infer<typeof refused>>;

export type Requested = z.infer<typeof requested>;

export type TransferCommand =
  /** Rejections: `same_location`, `id_reused`. */
  | { readonly type: 'request'; readonly transfer: Requested }
  /** The units have left their location, have arrived, or cannot be had. Nothing when that is so already. */
  | { readonly type: 'dispatch' | 'arrive' }
  | { readonly type: 'refuse'; readonly code: string };

export interface TransferState {
  readonly status: 'none' | 'requested' | 'dispatched' | 'arrived' | 'refused';
  readonly transfer: Requested | undefined;
}

const isSame = (a: Requested | undefined, b: Requested): boolean =>
  a?.from === b.from && a.to === b.to && a.sku === b.sku && a.quantity === b.quantity;

export const transfer: Decider<TransferCommand, TransferEvent, TransferState> = {
  category: 'transfer',
  stateVersion: 1,
  initialState: { status: 'none', transfer: undefined },

  decide(command, { status, transfer: known }) {
    switch (command.type) {
      case 'request':
        if (command.transfer.from === command.transfer.to)
          return reject('same_location', 'a transfer leads from one location to another');
        if (status === 'none') return [{ type: 'TransferRequested', data: command.transfer }];
        return isSame(known, command.transfer) ? [] : reject('id_reused', 'requested with other content');
      case 'dispatch':
        return status === 'requested' ? [{ type: 'TransferDispatched', data: {} }] : [];
      case 'arrive':
        return status === 'dispatched' ? [{ type: 'TransferArrived', data: {} }] : [];
      case 'refuse':
        return status === 'requested' ? [{ type: 'TransferRefused', data: { code: command.code } }] : [];
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'TransferRequested':
        return { status: 'requested', transfer: event.data };
      case 'TransferDispatched':
        return { ...state, status: 'dispatched' };
      case 'TransferArrived':
        return { ...state, status: 'arrived' };
      case 'TransferRefused':
        return { ...state, status: 'refused' };
    }
  },
};
