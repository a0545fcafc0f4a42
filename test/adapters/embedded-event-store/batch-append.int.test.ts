import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { expect, test } from '@jest/globals';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import timestamp from 'google-protobuf/google/protobuf/timestamp_pb.js';
import { CallByHand, STREAMS } from './by-hand.js';
import { codeOf, collect, numbered, numberOf, range, running } from './support.js';

// What a BatchAppend call may look like beyond what the Node client makes of it.

interface Chunk {
  readonly id: string;
  /** Only the first chunk of an append names it. */
  readonly stream?: string;
  readonly numbers?: readonly number[];
  readonly isFinal?: boolean;
  readonly deadlineMs?: number;
}

function chunk({ id, stream, numbers = [], isFinal = false, deadlineMs }: Chunk) {
  const request = new streams.BatchAppendReq();
  request.setCorrelationId(new shared.UUID().setString(id));
  if (stream !== undefined) {
    const options = new streams.BatchAppendReq.Options();
    options.setStreamIdentifier(new shared.StreamIdentifier().setStreamName(Buffer.from(stream)));
    options.setNoStream(new empty.Empty());
    if (deadlineMs !== undefined) {
      options.setDeadline(timestamp.Timestamp.fromDate(new Date(Date.now() + deadlineMs)));
    }
    request.setOptions(options);
  }
  for (const number of numbers) {
    const message = new streams.BatchAppendReq.ProposedMessage();
    message.setId(new shared.UUID().setString(randomUUID()));
    message.getMetadataMap().set('type', 'Numbered').set('content-type', 'application/json');
    message.setData(Buffer.from(JSON.stringify({ number })));
    request.addProposedMessages(message);
  }
  request.setIsFinal(isFinal);
  return request;
}

const read = (bytes: Buffer) => streams.BatchAppendResp.deserializeBinary(bytes);

test('chunks of several appends may be mixed; each is stored whole when its last one came', async () => {
  const { node, client } = await running({ inMemory: true });
  const call = new CallByHand(node.port, `${STREAMS}/BatchAppend`);
  const [a, b] = [randomUUID(), randomUUID()];
  call.send(chunk({ id: a, stream: 'stream-a', numbers: [1, 2] }));
  call.send(chunk({ id: b, stream: 'stream-b', numbers: [10] }));
  call.send(chunk({ id: a, numbers: [3] }));
  call.send(chunk({ id: b, numbers: [11], isFinal: true }));
  const first = read(await call.answer());
  expect(first.getCorrelationId()?.getString()).toBe(b);
  expect(await codeOf(collect(client.readStream('stream-a')))).toBe('stream-not-found');
  call.send(chunk({ id: a, numbers: [4], isFinal: true }));
  const second = read(await call.answer());
  expect(second.getCorrelationId()?.getString()).toBe(a);
  expect(second.getSuccess()?.getCurrentRevision()).toBe('3');
  expect((await collect(client.readStream('stream-a'))).map(numberOf)).toEqual([1, 2, 3, 4]);
  expect((await collect(client.readStream('stream-b'))).map(numberOf)).toEqual([10, 11]);
  expect(await call.end()).toEqual({ status: '0', answers: [] });
});

test('an append whose deadline passes before its last chunk is refused, and what comes after is nothing', async () => {
  const { node, client } = await running({ inMemory: true });
  const call = new CallByHand(node.port, `${STREAMS}/BatchAppend`);
  const id = randomUUID();
  call.send(chunk({ id, stream: 'stream-late', numbers: [1], deadlineMs: 200 }));
  const refused = read(await call.answer());
  expect(refused.getCorrelationId()?.getString()).toBe(id);
  expect(refused.getError()?.getDetails()?.getTypeName()).toBe('event_store.client.Timeout');
  call.send(chunk({ id, numbers: [2], isFinal: true }));
  const other = randomUUID();
  call.send(chunk({ id: other, stream: 'stream-other', numbers: [1], isFinal: true }));
  expect(
    read(await call.answer())
      .getCorrelationId()
      ?.getString(),
  ).toBe(other);
  expect(await codeOf(collect(client.readStream('stream-late')))).toBe('stream-not-found');
});

test('an append that never gets its last chunk stores nothing, whether the call ends or is given up', async () => {
  const { node, client } = await running({ inMemory: true });
  const ended = new CallByHand(node.port, `${STREAMS}/BatchAppend`);
  ended.send(chunk({ id: randomUUID(), stream: 'stream-1', numbers: [1] }));
  expect(await ended.end()).toEqual({ status: '0', answers: [] });
  const cancelled = new CallByHand(node.port, `${STREAMS}/BatchAppend`);
  const answered = randomUUID();
  cancelled.send(chunk({ id: randomUUID(), stream: 'stream-1', numbers: [1] }));
  cancelled.send(chunk({ id: answered, stream: 'stream-2', numbers: [1], isFinal: true }));
  expect(
    read(await cancelled.answer())
      .getCorrelationId()
      ?.getString(),
  ).toBe(answered);
  cancelled.cancel();
  expect(await codeOf(collect(client.readStream('stream-1')))).toBe('stream-not-found');
  await client.appendToStream('stream-1', numbered(2), { expectedRevision: 'no_stream' });
});

test('an append without events has a revision and no position', async () => {
  const { client } = await running({ inMemory: true });
  await client.appendToStream('stream-1', [numbered(1), numbered(2)]);
  const nothing = await client.appendToStream('stream-1', [], { expectedRevision: 1n });
  expect(nothing).toEqual({ success: true, nextExpectedRevision: 1n, position: undefined });
});

test('a client that does not read its answers is not listened to, and harms nobody', async () => {
  const { node, client } = await running({ inMemory: true });
  // Answers repeat the name of the stream: these are 9 MB, more than the server keeps and any window.
  const deaf = new CallByHand(node.port, `${STREAMS}/BatchAppend`, { deaf: true });
  const name = 'n'.repeat(1_000);
  for (const i of range(0, 8_000)) {
    deaf.send(chunk({ id: randomUUID(), stream: `${name}-${i}`, numbers: [i], isFinal: true }));
  }
  let [before, stored] = [-1, 0];
  while (before < stored) {
    before = stored;
    await sleep(300);
    stored = (await collect(client.readAll())).length;
  }
  expect(stored).toBeGreaterThan(0);
  expect(stored).toBeLessThan(8_000);
  for (const i of range(0, 50)) await client.appendToStream('stream-1', numbered(i));
  expect(await collect(client.readStream('stream-1'))).toHaveLength(50);
  // Once it reads, everything is done that it asked for.
  deaf.listen();
  const { status, answers } = await deaf.end();
  expect(status).toBe('0');
  expect(answers).toHaveLength(8_000);
  expect(answers.every((answer) => read(answer).hasSuccess())).toBe(true);
});
