import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { blindReturn, blindReturnEvents } from '../../src/domain/blind-return.js';
import { channel, channelEvents } from '../../src/domain/channel.js';
import { consignment, consignmentEvents } from '../../src/domain/consignment.js';
import { coupon, couponEvents } from '../../src/domain/coupon.js';
import type { Decider, DomainEvent } from '../../src/domain/decider.js';
import type { EventDefinition } from '../../src/domain/event-definition.js';
import { allEventDefinitions } from '../../src/domain/events.js';
import { exchangeEvents } from '../../src/domain/exchange-events.js';
import { location, locationEvents } from '../../src/domain/location.js';
import { order } from '../../src/domain/order.js';
import { orderEvents } from '../../src/domain/order-events.js';
import { settlement, settlementEvents } from '../../src/domain/settlement.js';
import { stock, stockEvents } from '../../src/domain/stock.js';
import { createCodec } from '../../src/runtime/codec.js';
import { toExactPieces } from '../../src/runtime/exact-json.js';

/**
 * A snapshot is trusted as long as its decider's `stateVersion` is the present one. So what the golden events come to, one after the
 * other, is kept beside that version. When this fails because a state has another shape or another meaning now, raise
 * `stateVersion` first; then, as after a new example, run `UPDATE_GOLDEN=1 npm run jest -- test/runtime/state-versions`.
 */
type AnyDecider = Decider<unknown, DomainEvent, unknown>;
const DECIDERS = [
  [blindReturn, blindReturnEvents],
  [channel, channelEvents],
  [consignment, consignmentEvents],
  [coupon, couponEvents],
  [location, locationEvents],
  [order, [...orderEvents, ...exchangeEvents]],
  [settlement, settlementEvents],
  [stock, stockEvents],
] as readonly (readonly [AnyDecider, readonly EventDefinition[]])[];
const CASES = DECIDERS.map(([decider, definitions]) => ({
  category: decider.category,
  decider,
  definitions,
}));

interface GoldenStates {
  readonly version: number;
  /** After each of the golden events, as exact JSON. */
  readonly states: readonly unknown[];
}

const EVENTS = new URL('golden/events.json', import.meta.url);
const STATES = new URL('golden/states.json', import.meta.url);
const read = (url: URL): unknown => JSON.parse(readFileSync(url, 'utf8'));
const codec = createCodec(allEventDefinitions);
const golden = read(EVENTS) as readonly { type: string; version: number; data: unknown }[];

const statesOf = (decider: AnyDecider, definitions: readonly EventDefinition[]): GoldenStates => {
  const types = new Set(definitions.map(({ type }) => type));
  const states: unknown[] = [];
  let state = decider.initialState;
  for (const { type, version, data } of golden) {
    if (!types.has(type)) continue;
    const metadata = {
      commandId: 'c',
      $correlationId: 'c',
      $causationId: 'c',
      actor: 'test',
      effectiveAt: '',
    };
    const { event } = codec.decode({
      id: 'e',
      stream: `${decider.category}-1`,
      revision: states.length,
      position: { commit: 0n, prepare: 0n },
      recordedAt: new Date(0),
      type,
      data,
      metadata: { ...metadata, schemaVersion: version },
    });
    state = decider.evolve(state, event);
    states.push(JSON.parse([...toExactPieces(state)].join('')));
  }
  return { version: decider.stateVersion, states };
};

test.each(CASES)('a state of $category does not change under its version', ({ decider, definitions }) => {
  const now = statesOf(decider, definitions);
  if (process.env.UPDATE_GOLDEN !== undefined) {
    const all = { ...(read(STATES) as object), [decider.category]: now };
    writeFileSync(STATES, `${JSON.stringify(all, undefined, 2)}\n`);
  }
  expect(now).toEqual((read(STATES) as Record<string, unknown>)[decider.category]);
});
