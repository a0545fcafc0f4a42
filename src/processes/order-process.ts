import { coupon } from '../domain/coupon.js';
import type { Rejection } from '../domain/decider.js';
import { type OrderCommand, order } from '../domain/order.js';
import type { Allocation } from '../domain/order-events.js';
import type { OrderState } from '../domain/order-state.js';
import { stock } from '../domain/stock.js';
import { stockIdOf } from '../domain/stream-id.js';
import type { CommandBus, CommandContext } from '../runtime/command-bus.js';
import { comparePositions, type LogPosition } from '../runtime/event-store.js';
import { SlabMap } from '../runtime/slab.js';
import { boundedBus } from './bounded-bus.js';
import { confirmChange } from './order-change.js';
import {
  allEffects,
  type Effect,
  effectsOf,
  mayHaveRounds,
  stockCommandOf,
  strayEffect,
} from './order-effects.js';
import { effectsLeft } from './order-holds.js';
import { reserveOrder } from './order-reservation.js';
import { allocateShort } from './order-round.js';
import { EffectRefused } from './process-errors.js';

/** What an order command came to. `position` is the furthest point of the log that it, or the state it was decided on, reached. */
export type OrderAnswer = { readonly state: OrderState; readonly position: LogPosition } & (
  | { readonly status: 'accepted'; readonly replayed: boolean }
  | { readonly status: 'rejected'; readonly rejection: Rejection }
);

type Accepted = Extract<OrderAnswer, { status: 'accepted' }>;

/**
 * The process of an order: commands go to the order, which decides; then its holds follow. No memory of its own: whatever dies,
 * wherever, `advance` reads the stream and does what is left (design 1). Throws what the command bus throws (retriable).
 */
export interface OrderProcess {
  /** Runs one command, and at once the effects that its events call for. A placed order runs on until its outcome. */
  execute(orderId: string, command: OrderCommand, context: CommandContext): Promise<OrderAnswer>;
  /** Brings an order and everything it holds to where its stream says. Idempotent. */
  advance(orderId: string, context: CommandContext): Promise<OrderAnswer>;
}

const farthest = (from: LogPosition, others: readonly LogPosition[]): LogPosition =>
  others.reduce((far, position) => (comparePositions(position, far) > 0 ? position : far), from);

/**
 * Commands and reads on their way at once for all orders that are advanced, and for those with more effects than this. The watchdog
 * advances hundreds of orders together, each of which may have holds of a thousand rounds; the bus refuses what is too much.
 */
export const EFFECTS_AT_ONCE = 256;

export const createOrderProcess = (bus: CommandBus): OrderProcess => {
  const bounded = boundedBus(bus, EFFECTS_AT_ONCE);
  /** Placements under way in this process: the same order sent twice at once is one run with two waiters. */
  const placing = new SlabMap<Promise<Accepted>>();

  const run = (via: CommandBus, orderId: string, effect: Effect, context: CommandContext) => {
    switch (effect.kind) {
      case 'settle-stock':
      case 'return-stock':
        return via.execute(stock, stockIdOf(effect.location, effect.sku), stockCommandOf(effect), context);
      case 'settle-coupon': {
        const { code, target, reason } = effect;
        return via.execute(coupon, code, { type: 'settle', holdId: orderId, target, reason }, context);
      }
      case 'give-back-coupon':
        return via.execute(
          coupon,
          effect.code,
          { type: 'give-back', holdId: orderId, reason: effect.reason },
          context,
        );
    }
  };

  /** Effects of one order touch streams of their own, so they run together; two on one stream keep their order. */
  const runAll = async (
    from: CommandBus,
    orderId: string,
    effects: readonly Effect[],
    context: CommandContext,
    reached: LogPosition,
  ): Promise<LogPosition> => {
    // A follow-up is known by what it targets, not by the id of the command it follows.
    const { requestHash: _, ...plain } = context;
    const via = effects.length > EFFECTS_AT_ONCE ? bounded : from;
    const results = await Promise.all(
      effects.map(async (effect) => {
        const result = await run(via, orderId, effect, plain);
        if (result.status === 'rejected') throw new EffectRefused(orderId, effect, result.rejection);
        return result.position;
      }),
    );
    return farthest(reached, results);
  };

  const reserve = async (
    via: CommandBus,
    orderId: string,
    state: OrderState,
    context: CommandContext,
    fresh: boolean,
  ): Promise<Accepted> => {
    const { requestHash: _, ...plain } = context;
    const { command, held } = await reserveOrder(via, orderId, state, plain, fresh);
    let decided = await via.execute(order, orderId, command, plain);
    if (decided.status === 'rejected') {
      // A reservation that cannot be written (its explanation is too large) must not leave the order without an outcome.
      const { code, message } = decided.rejection;
      decided = await via.execute(order, orderId, { type: 'refuse', code, detail: message }, plain);
    }
    const { allocations } = decided.state;
    const kept = (one: Allocation): boolean =>
      allocations.some(
        ({ round, sku, location }) => round === 1 && sku === one.sku && location === one.location,
      );
    // The order decides which holds it keeps: a rejected one keeps none, and another runner may have been first.
    const { status } = decided.state;
    const strays = held.filter((one) => !kept(one)).map((one) => strayEffect(orderId, 1, one, status));
    const events = decided.status === 'accepted' ? decided.events : [];
    const effects = [...strays, ...effectsOf(decided.state, orderId, events)];
    const reached = await runAll(via, orderId, effects, plain, decided.position);
    // Goods that are gone with the order are gone from stock as well for whoever reads behind this.
    const position = decided.state.placed?.handover === 'at-once' ? reached : decided.position;
    return { status: 'accepted', replayed: false, state: decided.state, position };
  };

  const place = (
    via: CommandBus,
    orderId: string,
    state: OrderState,
    context: CommandContext,
    fresh: boolean,
  ): Promise<Accepted> => {
    const under = placing.get(orderId);
    if (under !== undefined) return under;
    const run = reserve(via, orderId, state, context, fresh).finally(() => placing.delete(orderId));
    placing.add(orderId, run);
    return run;
  };

  const advance = async (orderId: string, context: CommandContext): Promise<OrderAnswer> => {
    let { state, position } = await bounded.load(order, orderId);
    if (state.status === 'placed')
      ({ state, position } = await place(bounded, orderId, state, context, false));
    const strays: Effect[] = [];
    if (mayHaveRounds(state)) {
      const { requestHash: _, ...plain } = context;
      const rounded = await allocateShort(bounded, orderId, { state, position }, plain);
      ({ state, position } = rounded);
      strays.push(...rounded.strays.map((one) => strayEffect(orderId, one.round, one)));
    }
    const left = await effectsLeft(bounded, orderId, state);
    const effects = [...left.effects, ...strays];
    const reached = await runAll(bounded, orderId, effects, context, farthest(position, left.seen));
    return { status: 'accepted', replayed: false, state, position: reached };
  };

  const execute = async (
    orderId: string,
    command: OrderCommand,
    context: CommandContext,
  ): Promise<OrderAnswer> => {
    const { result, effects: more } =
      command.type === 'confirm-change'
        ? await confirmChange(bus, orderId, command.changeId, context)
        : { result: await bus.execute(order, orderId, command, context), effects: [] };
    const { state, position } = result;
    if (result.status === 'rejected') {
      await runAll(bus, orderId, more, context, position);
      return { status: 'rejected', rejection: result.rejection, state, position };
    }
    const replayed = result.replayed || result.events.length === 0;
    if (command.type === 'place' && state.status === 'placed') {
      return { ...(await place(bus, orderId, state, context, !replayed)), replayed };
    }
    // A repeat may be the retry of somebody whose first try died half-way: finish what it began.
    const effects = replayed ? allEffects(state, orderId) : effectsOf(state, orderId, result.events);
    const reached = await runAll(bus, orderId, [...effects, ...more], context, position);
    return { status: 'accepted', replayed, state, position: command.type === 'place' ? position : reached };
  };

  return { execute, advance };
};
