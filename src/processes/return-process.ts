import { type BlindReturnLine, type BlindReturnState, blindReturn } from '../domain/blind-return.js';
import type { Rejection } from '../domain/decider.js';
import { stock } from '../domain/stock.js';
import { joinId, stockIdOf } from '../domain/stream-id.js';
import type { CommandBus, CommandContext } from '../runtime/command-bus.js';
import type { LogPosition } from '../runtime/event-store.js';
import { type StockEffect, stockCommandOf, stockReturnId } from './order-effects.js';
import { EffectRefused } from './process-errors.js';

export type ReturnAnswer = { readonly position: LogPosition } & (
  | { readonly status: 'accepted'; readonly replayed: boolean }
  | { readonly status: 'rejected'; readonly rejection: Rejection }
);

/** Stream id of a channel's credit note. Three parts: no order has such an id, though it may have the same number. */
export const noteIdOf = (channel: string, note: string): string => joinId(channel, 'note', note);

/** Records lines of credit notes that name no order; goods that can be sold again go back to stock. */
export interface ReturnProcess {
  record(line: BlindReturnLine, context: CommandContext): Promise<ReturnAnswer>;
  /** Puts back whatever a note's lines owe to stock. Idempotent. */
  advance(noteId: string, context: CommandContext): Promise<void>;
}

export const createReturnProcess = (bus: CommandBus): ReturnProcess => {
  const restock = async (
    noteId: string,
    line: BlindReturnLine,
    context: CommandContext,
  ): Promise<LogPosition | null> => {
    if (line.kind !== 'goods' || line.location === undefined) return null;
    const { requestHash: _, ...plain } = context;
    const { location, sku, quantity } = line;
    const returnId = stockReturnId(noteId, line.lineId);
    const effect: StockEffect = { kind: 'return-stock', location, sku, returnId, quantity };
    const result = await bus.execute(stock, stockIdOf(location, sku), stockCommandOf(effect), plain);
    if (result.status === 'rejected') throw new EffectRefused(noteId, effect, result.rejection);
    return result.position;
  };

  const statesOf = async (noteId: string): Promise<BlindReturnState> =>
    (await bus.load(blindReturn, noteId)).state;

  return {
    record: async (line, context) => {
      const noteId = noteIdOf(line.channel, line.note);
      const result = await bus.execute(blindReturn, noteId, { type: 'record', line }, context);
      if (result.status === 'rejected') {
        return { status: 'rejected', rejection: result.rejection, position: result.position };
      }
      const position = (await restock(noteId, line, context)) ?? result.position;
      return { status: 'accepted', replayed: result.replayed || result.events.length === 0, position };
    },
    advance: async (noteId, context) => {
      const lines = [...(await statesOf(noteId)).values()];
      await Promise.all(lines.map((line) => restock(noteId, line, context)));
    },
  };
};
