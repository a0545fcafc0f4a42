import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { defineEvent } from '../../src/domain/event-definition.js';
import { allEventDefinitions } from '../../src/domain/events.js';
import { createCodec, InvalidEvent, UndecodableEvent } from '../../src/runtime/codec.js';
import type { StoredEvent } from '../../src/runtime/event-store.js';
import { counterCodec } from '../support/counter.js';

const metadata = {
  commandId: 'c1',
  $correlationId: 'c1',
  $causationId: 'c1',
  actor: 'tester',
  effectiveAt: '2026-01-01T00:00:00Z',
};

const storedOf = (event: Partial<StoredEvent>): StoredEvent => ({
  id: '0e3bd0f4-9d1c-4d33-b9b5-0a6b2d8f8f11',
  stream: 'counter-a-b',
  revision: 3,
  position: { commit: 9n, prepare: 9n },
  recordedAt: new Date(0),
  type: 'Added',
  data: { units: 1 },
  metadata: { ...metadata, schemaVersion: 2 },
  ...event,
});

describe('codec', () => {
  test('writes an event with a fresh id, the current schema version and only what the schema knows', () => {
    const event = { type: 'Added', data: { units: 2, stray: true } };
    const one = counterCodec.encode(event, metadata);
    const two = counterCodec.encode(event, metadata);
    expect(one.data).toEqual({ units: 2 });
    expect(one.metadata).toEqual({ ...metadata, schemaVersion: 2 });
    expect(one.id).not.toBe(two.id);
    expect(one.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test('refuses to write an unknown type or data that the schema refuses', () => {
    expect(() => counterCodec.encode({ type: 'Added', data: { units: 0.5 } }, metadata)).toThrow(
      InvalidEvent,
    );
    expect(() => counterCodec.encode({ type: 'Stranger', data: {} }, metadata)).toThrow(InvalidEvent);
  });

  test('reads an event with its category and its id, which may hold further dashes', () => {
    expect(counterCodec.decode(storedOf({}))).toMatchObject({
      event: { type: 'Added', data: { units: 1 } },
      category: 'counter',
      streamId: 'a-b',
      revision: 3,
    });
  });

  test('upcasts an old version to the current one', () => {
    const old = storedOf({ data: { amount: 7 }, metadata: { ...metadata, schemaVersion: 1 } });
    expect(counterCodec.decode(old).event.data).toEqual({ units: 7 });
  });

  test.each([
    ['unknown type', { type: 'Stranger' }],
    ['newer version', { metadata: { ...metadata, schemaVersion: 3 } }],
    ['version zero', { metadata: { ...metadata, schemaVersion: 0 } }],
    ['refused data', { data: { units: 'many' } }],
    ['data an upcast chokes on', { data: null, metadata: { ...metadata, schemaVersion: 1 } }],
    ['foreign metadata', { metadata: {} }],
    ['metadata with a number for an actor', { metadata: { ...metadata, schemaVersion: 2, actor: 1 } }],
  ])('names type, stream and revision of an event it cannot read: %s', (_case, broken) => {
    const stored = storedOf(broken);
    expect.assertions(2);
    try {
      counterCodec.decode(stored);
    } catch (error) {
      expect(error).toBeInstanceOf(UndecodableEvent);
      expect(error).toMatchObject({
        code: 'undecodable_event',
        type: stored.type,
        stream: 'counter-a-b',
        revision: 3,
      });
    }
  });

  test('refuses definitions that share a type or lack an upcast', () => {
    const one = defineEvent({ type: 'One', version: 1, schema: z.object({}) });
    expect(() => createCodec([one, one])).toThrow('defined twice');
    expect(() => createCodec([{ ...one, version: 2 }])).toThrow('lacks an upcast');
  });
});

interface GoldenEvent {
  readonly type: string;
  readonly version: number;
  readonly data: unknown;
}

/**
 * One example of every version of every event that was ever written. Never edit an example: raise the version in the
 * definition, add an upcast, and add an example of the new version here.
 */
describe('golden events', () => {
  const golden = JSON.parse(
    readFileSync(new URL('golden/events.json', import.meta.url), 'utf8'),
  ) as readonly GoldenEvent[];
  const codec = createCodec(allEventDefinitions);
  const versions = allEventDefinitions.flatMap(({ type, version }) =>
    Array.from({ length: version }, (_, index) => ({ type, version: index + 1 })),
  );

  test.each(versions)('$type version $version has an example that this build reads', ({ type, version }) => {
    const examples = golden.filter((example) => example.type === type && example.version === version);
    expect(examples.length).toBeGreaterThan(0);
    for (const { data } of examples) {
      const stored = storedOf({ type, data, metadata: { ...metadata, schemaVersion: version } });
      const { event } = codec.decode(stored);
      const current = allEventDefinitions.find((definition) => definition.type === type);
      // Nothing of a current example may get lost in reading, or it would be lost in every replay.
      if (version === current?.version) expect(event.data).toEqual(data);
    }
  });

  test('holds nothing that the definitions no longer know', () => {
    const known = new Set(versions.map(({ type, version }) => `${type}@${version}`));
    expect(golden.map(({ type, version }) => `${type}@${version}`).filter((id) => !known.has(id))).toEqual(
      [],
    );
  });
});
