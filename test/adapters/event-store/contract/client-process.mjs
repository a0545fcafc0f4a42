// A client of its own: reads commands as lines of JSON, answers each with one line.
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';

const client = EventStoreDBClient.connectionString(process.argv[2]);
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const numbered = (number) => jsonEvent({ id: randomUUID(), type: 'Numbered', data: { number } });

const commands = {
  /** `any`: all at once. `exact`: one after the other at the revision before it, counting who wins. */
  async append({ stream, from, count, mode }) {
    if (mode === 'any') {
      const appends = Array.from({ length: count }, (_, i) =>
        client.appendToStream(stream, numbered(from + i)),
      );
      return (await Promise.allSettled(appends)).filter((one) => one.status === 'fulfilled').length;
    }
    let won = 0;
    for (let i = 0; i < count; i++) {
      const expectedRevision = from + i === 0 ? 'no_stream' : BigInt(from + i - 1);
      try {
        await client.appendToStream(stream, numbered(from + i), { expectedRevision });
        won++;
      } catch (error) {
        if (error.type !== 'wrong-expected-version') throw error;
      }
    }
    return won;
  },
  async read({ stream }) {
    const numbers = [];
    for await (const { event } of client.readStream(stream)) numbers.push(event.data.number);
    return numbers;
  },
};

// Dials before it says that it is there, so that what is measured later is not the dialling.
await client.getStreamMetadata(`client-process-${randomUUID()}`);
say('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    say(await commands[command.do](command));
  } catch (error) {
    say({ error: `${error.type ?? ''} ${error.message}` });
  }
}
await client.dispose();
process.exit(0);
