import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Decider, type DomainEvent, reject } from '../../src/domain/decider.js';
import { defineEvent } from '../../src/domain/event-definition.js';
import { createCodec } from '../../src/runtime/codec.js';
import type { CommandContext } from '../../src/runtime/command-bus.js';

/** A tiny decider for tests of the machinery: units that are added and taken, never below zero. */
export type CounterCommand =
  | { readonly type: 'add'; readonly units: number; readonly note?: string; readonly times?: number }
  | { readonly type: 'take'; readonly units: number }
  /** Yields nothing when the total is that already. */
  | { readonly type: 'reach'; readonly total: number }
  | { readonly type: 'crash' }
  | { readonly type: 'corrupt' };

export type CounterEvent =
  | DomainEvent<'Added', { units: number; note?: string | undefined }>
  | DomainEvent<'Taken', { units: number }>;

export interface CounterState {
  readonly total: number;
  readonly seen: number;
}

export const counterEvents = [
  defineEvent({
    type: 'Added',
    version: 2,
    schema: z.object({ units: z.int().positive(), note: z.string().optional() }),
    upcasts: { 1: (data) => ({ units: (data as { amount: number }).amount }) },
  }),
  defineEvent({ type: 'Taken', version: 1, schema: z.object({ units: z.int().positive() }) }),
];

export const counterCodec = createCodec(counterEvents);

export const counter: Decider<CounterCommand, CounterEvent, CounterState> = {
  category: 'counter',
  stateVersion: 1,
  initialState: { total: 0, seen: 0 },
  decide(command, { total }) {
    switch (command.type) {
      case 'add': {
        const { units, note, times = 1 } = command;
        const event: CounterEvent = { type: 'Added', data: note === undefined ? { units } : { units, note } };
        return Array.from({ length: times }, () => event);
      }
      case 'take':
        return total < command.units
          ? reject('not_enough', `${total} left`, { total })
          : [{ type: 'Taken', data: { units: command.units } }];
      case 'reach':
        return command.total <= total ? [] : [{ type: 'Added', data: { units: command.total - total } }];
      case 'crash':
        throw new Error('a bug in decide');
      case 'corrupt':
        return [{ type: 'Added', data: { units: -1 } }];
    }
  },
  evolve: ({ total, seen }, { type, data }) => ({
    total: type === 'Added' ? total + data.units : total - data.units,
    seen: seen + 1,
  }),
};

export const hashOf = (request: unknown): string =>
  createHash('sha256').update(JSON.stringify(request)).digest('hex');

let commands = 0;
export const contextOf = (overrides: Partial<CommandContext> = {}): CommandContext => {
  commands += 1;
  return {
    commandId: `command-${commands}`,
    correlationId: `correlation-${commands}`,
    actor: 'tester',
    effectiveAt: '2026-01-01T00:00:00Z',
    ...overrides,
  };
};
