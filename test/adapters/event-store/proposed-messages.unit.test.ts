import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeEvents, unpacked } from '../../../src/adapters/event-store/proposed-messages.js';
import type { EventToAppend } from '../../../src/runtime/event-store.js';

/** A request as the client makes it, for one event. */
const requestOf = (data: Uint8Array): streams.BatchAppendReq => {
  const request = new streams.BatchAppendReq();
  const id = new shared.UUID();
  id.setString('6a4e1bb4-7f4e-4c4c-8e7f-0d9f0a0a0a0a');
  request.setCorrelationId(id);
  const options = new streams.BatchAppendReq.Options();
  const name = new shared.StreamIdentifier();
  name.setStreamName(Buffer.from('order-web~1'));
  options.setStreamIdentifier(name);
  options.setStreamPosition('41');
  request.setOptions(options);
  const message = new streams.BatchAppendReq.ProposedMessage();
  message.setData(data);
  request.addProposedMessages(message);
  request.setIsFinal(true);
  return request;
};

/** What a server reads, by the client's own generated code. */
const received = (events: readonly EventToAppend[]): streams.BatchAppendReq => {
  const { carrier } = encodeEvents(events);
  return streams.BatchAppendReq.deserializeBinary(unpacked(requestOf(carrier.data)).serializeBinary());
};

const eventsIn = (request: streams.BatchAppendReq) =>
  request.getProposedMessagesList().map((message) => ({
    id: message.getId()?.getString(),
    metadataMap: Object.fromEntries(message.getMetadataMap().toObject(true, undefined as never)),
    metadata: JSON.parse(Buffer.from(message.getCustomMetadata_asU8()).toString('utf8')),
    data: JSON.parse(Buffer.from(message.getData_asU8()).toString('utf8')),
  }));

const event = fc.record({
  id: fc.uuid(),
  type: fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }),
  data: fc.jsonValue({ maxDepth: 3 }),
  metadata: fc.dictionary(fc.string(), fc.string({ unit: 'grapheme' })),
});

describe('events of an append in bytes', () => {
  test('are to a server what the client would have sent, in their order', () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 8 }), (events) => {
        const expected = events.map(({ id, type, data, metadata }) => ({
          id,
          metadataMap: { type, 'content-type': 'application/json' },
          metadata: JSON.parse(JSON.stringify(metadata)),
          data: JSON.parse(JSON.stringify(data)),
        }));
        expect(eventsIn(received(events))).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  test.each([127, 128, 16_383, 16_384, 300_000, 2_097_152])(
    'have lengths of up to four bytes: %i',
    (length) => {
      const data = { filler: 'é'.repeat(length / 2) };
      const events = [{ id: 'a', type: 'Added', data, metadata: {} }];
      expect(eventsIn(received(events))[0]?.data).toEqual(data);
    },
  );

  test('leave the rest of the request as it is', () => {
    const request = received([{ id: 'a', type: 'Added', data: 1, metadata: {} }]);
    expect(request.getIsFinal()).toBe(true);
    expect(request.getCorrelationId()?.getString()).toBe('6a4e1bb4-7f4e-4c4c-8e7f-0d9f0a0a0a0a');
    expect(request.getOptions()?.getStreamPosition()).toBe('41');
    expect(
      Buffer.from(request.getOptions()?.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString(),
    ).toBe('order-web~1');
  });

  test('are counted as the server counts them: data, metadata, and a type as UTF-16', () => {
    const { bytes } = encodeEvents([{ id: 'a', type: 'Added', data: 'é', metadata: { by: 'x' } }]);
    expect(bytes).toBe(Buffer.byteLength('"é"') + '{"by":"x"}'.length + 2 * 'Added'.length);
  });

  test('are nothing to a request that carries none', () => {
    const request = requestOf(Buffer.from('mine'));
    expect(unpacked(request)).toBe(request);
    expect(request.getProposedMessagesList()).toHaveLength(1);
  });
});
