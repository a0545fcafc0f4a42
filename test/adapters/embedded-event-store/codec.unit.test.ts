import { randomUUID } from 'node:crypto';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import status from '@eventstore/db-client/generated/status_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import timestamp from 'google-protobuf/google/protobuf/timestamp_pb.js';
import {
  FLAG_TOMBSTONE,
  isSoundRecord,
  type NewEvent,
  recordBytes,
  writeRecord,
} from '../../../src/adapters/embedded-event-store/log/record.js';
import {
  decodeAppend,
  decodeTarget,
} from '../../../src/adapters/embedded-event-store/protocol/append-request.js';
import * as answers from '../../../src/adapters/embedded-event-store/protocol/batch-answers.js';
import { decodeBatchChunk } from '../../../src/adapters/embedded-event-store/protocol/batch-request.js';
import { writeReadEvent } from '../../../src/adapters/embedded-event-store/protocol/event-message.js';
import {
  FRAME_HEAD_BYTES,
  FrameBuffer,
} from '../../../src/adapters/embedded-event-store/protocol/frame-buffer.js';
import { decodeRead } from '../../../src/adapters/embedded-event-store/protocol/read-request.js';
import { parseUuid, writeUuidText } from '../../../src/adapters/embedded-event-store/protocol/uuid.js';
import { Expected } from '../../../src/adapters/embedded-event-store/store/expected.js';

// The compiled messages of the client are the other side of everything that is written by hand.

const uuidBytes = (text: string): Buffer => Buffer.from(text.replaceAll('-', ''), 'hex');
const identifier = (name: string) => {
  const message = new shared.StreamIdentifier();
  message.setStreamName(Buffer.from(name, 'utf8'));
  return message;
};

const events = fc.record({
  id: fc.uuid(),
  name: fc.string({ minLength: 1, maxLength: 300, unit: 'binary' }),
  type: fc.string({ minLength: 1, maxLength: 200, unit: 'binary' }),
  isJson: fc.boolean(),
  metadata: fc.uint8Array({ maxLength: 300 }),
  data: fc.uint8Array({ maxLength: 20_000 }),
  revision: fc.integer({ min: 0, max: 2 ** 47 }),
  position: fc.integer({ min: 0, max: 2 ** 47 }),
  createdMs: fc.integer({ min: 1, max: 8_640_000_000_000 }),
});
type Sample = typeof events extends fc.Arbitrary<infer T> ? T : never;

function recordOf(sample: Sample, flags = 0): Buffer {
  const name = Buffer.from(sample.name, 'utf8');
  const event: NewEvent = {
    id: uuidBytes(sample.id),
    type: Buffer.from(sample.type, 'utf8'),
    isJson: sample.isJson,
    metadata: Buffer.from(sample.metadata),
    data: Buffer.from(sample.data),
  };
  const bytes = Buffer.alloc(recordBytes(name, event));
  writeRecord(bytes, 0, name, event, sample.revision, sample.createdMs, flags);
  return bytes;
}

function readEvent(bytes: Buffer, position: number, structured: boolean) {
  const frames = new FrameBuffer();
  writeReadEvent(frames, { bytes, at: 0, position }, undefined, structured);
  const framed = frames.take();
  expect(framed.readUInt32BE(1)).toBe(framed.length - FRAME_HEAD_BYTES);
  const response = streams.ReadResp.deserializeBinary(framed.subarray(FRAME_HEAD_BYTES));
  expect(response.getEvent()?.getCommitPosition()).toBe(String(position));
  const event = response.getEvent()?.getEvent();
  if (event === undefined) throw new Error('no event');
  return event;
}

describe('an event on its way out', () => {
  test('is what the compiled messages read, whatever is in it', () => {
    fc.assert(
      fc.property(events, (sample) => {
        const event = readEvent(recordOf(sample), sample.position, false);
        expect(event.getId()?.getString()).toBe(sample.id);
        expect(Buffer.from(event.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString('utf8')).toBe(
          sample.name,
        );
        expect(event.getStreamRevision()).toBe(String(sample.revision));
        expect(event.getPreparePosition()).toBe(String(sample.position));
        expect(event.getCommitPosition()).toBe(String(sample.position));
        expect(Object.fromEntries(event.getMetadataMap().toArray())).toEqual({
          type: sample.type,
          created: String(BigInt(sample.createdMs) * 10_000n),
          'content-type': sample.isJson ? 'application/json' : 'application/octet-stream',
        });
        expect(Buffer.from(event.getCustomMetadata_asU8()).equals(Buffer.from(sample.metadata))).toBe(true);
        expect(Buffer.from(event.getData_asU8()).equals(Buffer.from(sample.data))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('has its id in two halves for a client that does not ask for text', () => {
    fc.assert(
      fc.property(events, (sample) => {
        const halves = readEvent(recordOf(sample), 1, true).getId()?.getStructured();
        const bytes = Buffer.alloc(16);
        bytes.writeBigInt64BE(BigInt(halves?.getMostSignificantBits() ?? 0), 0);
        bytes.writeBigInt64BE(BigInt(halves?.getLeastSignificantBits() ?? 0), 8);
        expect(bytes.equals(uuidBytes(sample.id))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('has the largest revision when it is a tombstone', () => {
    const [sample] = fc.sample(events, 1);
    if (sample === undefined) throw new Error('no sample');
    expect(readEvent(recordOf(sample, FLAG_TOMBSTONE), 5, false).getStreamRevision()).toBe(
      '9223372036854775807',
    );
  });
});

test('a record with any byte changed is not sound', () => {
  fc.assert(
    fc.property(events, fc.nat(), fc.integer({ min: 1, max: 255 }), (sample, at, change) => {
      const bytes = recordOf({ ...sample, data: sample.data.slice(0, 500) });
      expect(isSoundRecord(bytes, 0)).toBe(true);
      const index = at % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ change;
      expect(isSoundRecord(bytes, 0)).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test('a UUID is read and written in both cases, and nothing else is one', () => {
  const into = Buffer.alloc(16);
  const text = Buffer.alloc(36);
  fc.assert(
    fc.property(fc.uuid(), (id) => {
      expect(parseUuid(Buffer.from(id.toUpperCase()), into, 0)).toBe(true);
      writeUuidText(into, 0, text, 0);
      expect(text.toString()).toBe(id);
    }),
  );
  for (const wrong of [
    '',
    'x',
    randomUUID().slice(1),
    randomUUID().replace('-', '0'),
    `${randomUUID().slice(0, -1)}g`,
  ]) {
    expect(parseUuid(Buffer.from(wrong), into, 0)).toBe(false);
  }
});

describe('a request on its way in', () => {
  const proposed = (message: InstanceType<typeof streams.BatchAppendReq.ProposedMessage>, id: string) => {
    const uuid = new shared.UUID();
    uuid.setString(id);
    message.setId(uuid);
    message.getMetadataMap().set('type', 'Größe');
    message.getMetadataMap().set('content-type', 'application/json');
    message.setData(Buffer.from('{"a":1}'));
    message.setCustomMetadata(Buffer.from([1, 2, 3]));
    return message;
  };

  test('is a chunk of a batch with its options, deadline and events', () => {
    const id = randomUUID();
    const request = new streams.BatchAppendReq();
    const options = new streams.BatchAppendReq.Options();
    options.setStreamIdentifier(identifier('order-1'));
    options.setStreamPosition('4711');
    options.setDeadline(timestamp.Timestamp.fromDate(new Date(1_795_000_000_123)));
    request.setOptions(options);
    const correlation = new shared.UUID();
    correlation.setString(id);
    request.setCorrelationId(correlation);
    request.addProposedMessages(proposed(new streams.BatchAppendReq.ProposedMessage(), id));
    request.setIsFinal(true);
    const chunk = decodeBatchChunk(Buffer.from(request.serializeBinary()), 0);
    expect(chunk.options).toMatchObject({ expected: 4711, streamName: Buffer.from('order-1') });
    expect(chunk.options?.deadlineMs).toBeCloseTo(1_795_000_000_123, -1);
    expect(chunk).toMatchObject({ isFinal: true, refusal: undefined });
    expect(chunk.correlation.equals(Buffer.from(correlation.serializeBinary()))).toBe(true);
    expect(chunk.events).toEqual([
      {
        id: uuidBytes(id),
        type: Buffer.from('Größe'),
        isJson: true,
        data: Buffer.from('{"a":1}'),
        metadata: Buffer.from([1, 2, 3]),
      },
    ]);
  });

  test('is a refusal, not an error, when one event of a batch cannot be stored', () => {
    const request = new streams.BatchAppendReq();
    const message = proposed(new streams.BatchAppendReq.ProposedMessage(), 'not a uuid');
    request.addProposedMessages(message);
    expect(decodeBatchChunk(Buffer.from(request.serializeBinary()), 0).refusal).toContain('UUID');
    message.getMetadataMap().del('type');
    message.setId(new shared.UUID().setString(randomUUID()));
    expect(decodeBatchChunk(Buffer.from(request.serializeBinary()), 0).refusal).toContain('type');
  });

  test('says what a stream is expected to be', () => {
    const cases: [(options: InstanceType<typeof streams.AppendReq.Options>) => unknown, number][] = [
      [(options) => options.setAny(new shared.Empty()), Expected.any],
      [(options) => options.setNoStream(new shared.Empty()), Expected.noStream],
      [(options) => options.setStreamExists(new shared.Empty()), Expected.streamExists],
      [(options) => options.setRevision('0'), 0],
      [(options) => options.setRevision('9007199254740991'), Number.MAX_SAFE_INTEGER],
    ];
    for (const [set, expected] of cases) {
      const options = new streams.AppendReq.Options();
      options.setStreamIdentifier(identifier('s'));
      set(options);
      const request = new streams.AppendReq();
      request.setOptions(options);
      expect(decodeAppend(Buffer.from(request.serializeBinary()))).toEqual({
        target: { streamName: Buffer.from('s'), expected },
      });
    }
    const remove = new streams.DeleteReq();
    const options = new streams.DeleteReq.Options();
    options.setStreamIdentifier(identifier('s'));
    options.setStreamExists(new shared.Empty());
    remove.setOptions(options);
    expect(decodeTarget(Buffer.from(remove.serializeBinary())).expected).toBe(Expected.streamExists);
  });

  test('is a read with start, direction, count and filter', () => {
    const request = new streams.ReadReq();
    const options = new streams.ReadReq.Options();
    const all = new streams.ReadReq.Options.AllOptions();
    const position = new streams.ReadReq.Options.Position();
    position.setCommitPosition('123');
    position.setPreparePosition('123');
    all.setPosition(position);
    options.setAll(all);
    options.setSubscription(new streams.ReadReq.Options.SubscriptionOptions());
    const filter = new streams.ReadReq.Options.FilterOptions();
    const expression = new streams.ReadReq.Options.FilterOptions.Expression();
    expression.setPrefixList(['a-', 'b-']);
    filter.setStreamIdentifier(expression);
    filter.setMax(10);
    filter.setCheckpointintervalmultiplier(3);
    options.setFilter(filter);
    const uuid = new streams.ReadReq.Options.UUIDOption();
    uuid.setString(new shared.Empty());
    options.setUuidOption(uuid);
    request.setOptions(options);
    expect(decodeRead(Buffer.from(request.serializeBinary()))).toMatchObject({
      streamName: undefined,
      from: { kind: 'at', position: 123 },
      subscription: true,
      backwards: false,
      structuredUuid: false,
      checkpointInterval: 30,
      filter: { on: 'stream', regex: '', prefixes: [Buffer.from('a-'), Buffer.from('b-')] },
    });
    expect(() => decodeRead(Buffer.from(new streams.ReadReq().serializeBinary()))).toThrow('options');
  });

  test('is refused when it is not protocol buffers', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (bytes) => {
        const message = Buffer.from(bytes);
        for (const decode of [
          decodeRead,
          decodeAppend,
          decodeTarget,
          (m: Buffer) => decodeBatchChunk(m, 0),
        ]) {
          try {
            decode(message);
          } catch (error) {
            expect(error).toHaveProperty(
              'code',
              expect.stringMatching(/malformed_message|invalid_argument|missing_/),
            );
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('an answer to a batch', () => {
  const correlation = new shared.UUID();
  correlation.setString(randomUUID());
  const target = {
    correlation: Buffer.from(correlation.serializeBinary()),
    streamName: Buffer.from('order-1'),
  };
  const read = (bytes: Buffer) => {
    const answer = streams.BatchAppendResp.deserializeBinary(bytes);
    expect(answer.getCorrelationId()?.getString()).toBe(correlation.getString());
    return answer;
  };

  test('has revision and position, or says that there is none', () => {
    const success = read(answers.batchSuccess(target, 0, 77)).getSuccess();
    expect([success?.hasCurrentRevision(), success?.getCurrentRevision()]).toEqual([true, '0']);
    expect(success?.getPosition()?.getCommitPosition()).toBe('77');
    const nothing = read(answers.batchSuccess(target, -1, -1)).getSuccess();
    expect([nothing?.hasNoStream(), nothing?.hasNoPosition()]).toEqual([true, true]);
  });

  test('has the details of a wrong version under their type', () => {
    const error = read(answers.batchWrongVersion(target, -1, Expected.streamExists)).getError();
    expect(error).toBeInstanceOf(status.Status);
    const details = error
      ?.getDetails()
      ?.unpack(shared.WrongExpectedVersion.deserializeBinary, 'event_store.client.WrongExpectedVersion');
    expect([details?.hasCurrentNoStream(), details?.hasExpectedStreamExists()]).toEqual([true, true]);
  });

  test('has the limit that an append exceeded', () => {
    const details = read(answers.batchTooLarge(target, 1_048_576))
      .getError()
      ?.getDetails()
      ?.unpack(
        shared.MaximumAppendSizeExceeded.deserializeBinary,
        'event_store.client.MaximumAppendSizeExceeded',
      );
    expect(details?.getMaxappendsize()).toBe(1_048_576);
  });

  test('has no message for what is only a fact', () => {
    const any = read(answers.batchTimeout(target)).getError()?.getDetails();
    expect(any?.getTypeName()).toBe('event_store.client.Timeout');
    expect(empty.Empty.deserializeBinary(any?.getValue_asU8() ?? new Uint8Array(1))).toBeInstanceOf(
      empty.Empty,
    );
  });
});
