import type { CommandKind } from '../history.js';

/**
 * Refusals that a client of this load may get; any other is a promise broken or a question misunderstood. Most come from a rival: an order
 * that expires, a cancellation sent at the same time, a channel that asks money back by itself.
 */
export const REFUSALS: Readonly<Partial<Record<CommandKind, readonly string[]>>> = {
  adjust: ['insufficient_on_hand', 'below_held'],
  confirm: ['wrong_status', 'order_held'],
  cancel: ['wrong_status', 'nothing_open', 'exceeds_open_quantity'],
  ship: ['wrong_status', 'nothing_open', 'exceeds_open_quantity', 'order_held', 'not_allocated'],
  review: ['wrong_status', 'nothing_open'],
  resolve: ['wrong_status', 'review_resolved'],
  propose: ['wrong_status', 'nothing_open', 'exceeds_open_quantity', 'order_held'],
  confirm_change: [
    'wrong_status',
    'nothing_open',
    'exceeds_open_quantity',
    'order_held',
    'insufficient_stock',
    'allocation_changed',
  ],
  split: ['wrong_status', 'exceeds_open_quantity'],
  undo_split: ['split_shipped'],
  consign: ['not_mergeable'],
  start_payment: ['wrong_status'],
  capture: ['wrong_payment_status', 'exceeds_authorised'],
  void_payment: ['wrong_payment_status'],
  refund: ['exceeds_captured'],
  allow: ['exceeds_paid'],
  exchange: ['exceeds_credit'],
};
