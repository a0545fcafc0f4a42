import conversion from '@eventstore/db-client/dist/utils/convertGrpcEvent.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeReadResponse } from '../../../src/adapters/event-store/recorded-events.js';

const { ReadResp } = streams;
type ReadEvent = streams.ReadResp.ReadEvent;
const { RecordedEvent } = ReadResp.ReadEvent;

interface Event {
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: number;
  readonly metadataMap: readonly (readonly [string, string])[];
  readonly metadata: Uint8Array;
  readonly data: Uint8Array;
}

const recordOf = (event: Event): streams.ReadResp.ReadEvent.RecordedEvent => {
  const record = new RecordedEvent();
  const id = new shared.UUID();
  id.setString(event.id);
  record.setId(id);
  const stream = new shared.StreamIdentifier();
  stream.setStreamName(Buffer.from(event.stream));
  record.setStreamIdentifier(stream);
  record.setStreamRevision(String(event.revision));
  record.setCommitPosition(String(event.position));
  record.setPreparePosition(String(event.position));
  for (const [key, value] of event.metadataMap) record.getMetadataMap().set(key, value);
  record.setCustomMetadata(event.metadata);
  record.setData(event.data);
  return record;
};

/** An answer as a server sends it, by the client's own generated code. */
const responseOf = (
  event: Event,
  change: (event: ReadEvent, record: streams.ReadResp.ReadEvent.RecordedEvent) => void = () => undefined,
): Buffer => {
  const response = new ReadResp();
  const read = new ReadResp.ReadEvent();
  const record = recordOf(event);
  read.setEvent(record);
  read.setCommitPosition(String(event.position));
  change(read, record);
  response.setEvent(read);
  return Buffer.from(response.serializeBinary());
};

const converted = (decode: () => ReturnType<typeof decodeReadResponse>): unknown => {
  try {
    const response = decode();
    return response.hasEvent() ? conversion.convertGrpcEvent(response.getEvent() as ReadEvent) : 'no event';
  } catch (error) {
    return `thrown: ${String(error)}`;
  }
};
const byUs = (bytes: Buffer): unknown => converted(() => decodeReadResponse(bytes));
const byTheClient = (bytes: Buffer): unknown =>
  converted(() => ReadResp.deserializeBinary(new Uint8Array(bytes)));
const isOurs = (bytes: Buffer): boolean => !(decodeReadResponse(bytes) instanceof ReadResp);

const bytesOf = fc.oneof(
  fc.json().map((json) => new Uint8Array(Buffer.from(json))),
  fc.uint8Array({ maxLength: 300 }),
);
const anyEvent = (text: fc.Arbitrary<string>): fc.Arbitrary<Event> =>
  fc.record({
    id: fc.uuid(),
    stream: text,
    revision: fc.nat(),
    position: fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 2 ** 49 - 1 })),
    metadataMap: fc
      .record(
        {
          type: text,
          'content-type': fc.constantFrom('application/json', 'application/octet-stream'),
          created: fc.constantFrom('17643242000000000', '0', 'no number'),
          other: text,
        },
        { requiredKeys: [] },
      )
      .map((map) => Object.entries(map)),
    metadata: bytesOf,
    data: bytesOf,
  });

const EVENT: Event = {
  id: '6a4e1bb4-7f4e-4c4c-8e7f-0d9f0a0a0a0a',
  stream: 'order-web~1',
  revision: 7,
  position: 4_711,
  metadataMap: [
    ['type', 'OrderPlaced'],
    ['content-type', 'application/json'],
    ['created', '17643242000000000'],
  ],
  metadata: new Uint8Array(Buffer.from('{"commandId":"ü"}')),
  data: new Uint8Array(Buffer.from('{"units":1}')),
};

describe('an answer of a read', () => {
  test('is to the client the event that its own code would have read, and was read here', () => {
    fc.assert(
      fc.property(anyEvent(fc.string({ unit: 'binary', minLength: 1, maxLength: 200 })), (event) => {
        const bytes = responseOf(event);
        expect(byUs(bytes)).toEqual(byTheClient(bytes));
        expect(isOurs(bytes)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('is what its own code makes of it, whatever happened to its bytes', () => {
    fc.assert(
      // Bytes above 127 where text is make it no UTF-8, from which the client leaves out what it cannot read.
      fc.property(
        anyEvent(fc.string({ minLength: 1 })),
        fc.nat(),
        fc.nat(127),
        fc.boolean(),
        (event, at, byte, cut) => {
          const bytes = responseOf(event);
          const index = at % bytes.length;
          const broken = cut ? bytes.subarray(0, index) : Buffer.from(bytes).fill(byte, index, index + 1);
          expect(byUs(broken)).toEqual(byTheClient(broken));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('has lengths of more than one byte', () => {
    for (const length of [127, 128, 16_383, 16_384, 1_048_576]) {
      const bytes = responseOf({ ...EVENT, data: new Uint8Array(Buffer.from(`"${'x'.repeat(length)}"`)) });
      expect(byUs(bytes)).toMatchObject({ event: { data: 'x'.repeat(length) } });
      expect(isOurs(bytes)).toBe(true);
    }
  });

  test('may come without a position in the log', () => {
    const bytes = responseOf(EVENT, (read) => read.setNoPosition(new shared.Empty()));
    expect(byUs(bytes)).toEqual(byTheClient(bytes));
    expect(byUs(bytes)).not.toHaveProperty('commitPosition');
    expect(isOurs(bytes)).toBe(true);
  });

  test.each<[string, (read: ReadEvent, record: streams.ReadResp.ReadEvent.RecordedEvent) => void]>([
    ['a link', (read) => read.setLink(recordOf(EVENT))],
    [
      'a link whose event is gone',
      (read) => {
        read.setLink(recordOf(EVENT));
        read.clearEvent();
      },
    ],
    [
      'an id in two halves',
      (_, record) => {
        const halves = new shared.UUID.Structured();
        halves.setMostSignificantBits('-42');
        halves.setLeastSignificantBits('42');
        record.getId()?.setStructured(halves);
      },
    ],
    ['no id', (_, record) => record.clearId()],
    ['no stream', (_, record) => record.clearStreamIdentifier()],
    ['a revision that no double holds', (_, record) => record.setStreamRevision('9223372036854775807')],
    ['a position that nobody knows', (read) => read.setCommitPosition('18446744073709551615')],
  ])('with %s is left to the client', (_, change) => {
    const bytes = responseOf(EVENT, change);
    expect(isOurs(bytes)).toBe(false);
    expect(byUs(bytes)).toEqual(byTheClient(bytes));
  });

  test('with a field of a later server is left to the client', () => {
    const record = Buffer.concat([recordOf(EVENT).serializeBinary(), Buffer.from([9 * 8, 1])]);
    const sized = (content: Buffer): Buffer =>
      Buffer.concat([Buffer.from([0x0a, 0x80 | (content.length & 0x7f), content.length >>> 7]), content]);
    const bytes = sized(sized(record));
    expect(isOurs(bytes)).toBe(false);
    expect(byUs(bytes)).toMatchObject({ event: { type: 'OrderPlaced', revision: 7n } });
  });

  test('that is no event is left to the client', () => {
    const response = new ReadResp();
    response.setCaughtUp(new ReadResp.CaughtUp());
    const decoded = decodeReadResponse(Buffer.from(response.serializeBinary()));
    expect(decoded).toBeInstanceOf(ReadResp);
    expect((decoded as streams.ReadResp).hasCaughtUp()).toBe(true);
  });
});
