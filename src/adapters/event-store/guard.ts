import type { Duplex } from 'node:stream';
import { EventStoreDBClient } from '@eventstore/db-client';
import protocol from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { CallOptions, Metadata } from '@grpc/grpc-js';
import { unpacked } from './proposed-messages.js';
import { decodeReadResponse } from './recorded-events.js';
import './write-ahead.js';

type Streams = protocol.StreamsClient;

/** What we reach for inside the client. Its last version is 6.2.1 and will not change; a test fails when one is missing. */
interface Internals {
  GRPCStreamCreator: (
    grpcClient: unknown,
    debugName: string,
    creator: (client: Streams) => Duplex,
    cache?: WeakMap<object, unknown>,
  ) => () => Promise<Duplex>;
  getChannel(): Promise<{ close(): void }>;
}

// The members are private or protected in the client's types; there is no public way to the stream or the channel.
const inside = (client: EventStoreDBClient): Internals => client as unknown as Internals;

/**
 * The client serialises every event a first time only to know its size, to cut appends above 3 MiB into several messages. Ours
 * are at most 1 MiB, so the answer "nothing" is as good and saves a fifth of what an append costs this process.
 */
const NO_SIZE = new Uint8Array(0);
streams.BatchAppendReq.ProposedMessage.prototype.serializeBinary = () => NO_SIZE;

/** Differs for each client, so that grpc-js (which shares connections of equal options) dials a new one. */
const KEEP_ALIVE_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_VARIANTS = 5_000;
let clients = 0;

/** A client with a TCP connection of its own, also when the old one to the same server looks healthy. */
export const openClient = (connectionString: string): EventStoreDBClient => {
  clients += 1;
  const timeout = KEEP_ALIVE_TIMEOUT_MS + (clients % KEEP_ALIVE_VARIANTS);
  const trimmed = connectionString.trim().replace(/\/+$/, '');
  const separator = trimmed.includes('?') ? '&' : '?';
  return EventStoreDBClient.connectionString(
    `${trimmed}${separator}keepAliveTimeout=${timeout}&throwOnAppendFailure=true`,
  );
};

export interface AppendWatch {
  /** An answer came, whatever it says. */
  onHeard(): void;
  /** An answer came for an append that was given up, or could not be read. */
  onLateAnswer(error: unknown): void;
  /** The stream failed or ended: appends on it will not be answered any more. */
  onBroken(error: Error): void;
}

/**
 * Makes the client's reads quick (`recorded-events.ts`), and its append stream safe to live with. As that is,
 * - an answer whose promise was forgotten (an error on any append stream of the process forgets them all) throws inside the
 *   data handler, which is an uncaught exception: here it is caught and reported;
 * - an error while writes wait for `drain` rejects promises nobody holds, which is an unhandled rejection: here no write
 *   ever waits, since the number and size of appends under way is bounded by ourselves;
 * - a stream that the server ends without an error stays in the client's cache, and everything after is written into
 *   nothing: here it is destroyed and reported.
 */
export const guardStreams = (client: EventStoreDBClient, watch: AppendWatch): void => {
  const internals = inside(client);
  const create = internals.GRPCStreamCreator;
  internals.GRPCStreamCreator = (grpcClient, debugName, creator, cache) =>
    create(grpcClient, debugName, (grpc) => openCall(debugName, creator, grpc, watch), cache);
};

/** The client's own names for its calls. */
const APPEND = 'appendToStream';
const READS: ReadonlySet<string> = new Set(['readStream', 'readAll', 'subscribeToAll']);

const openCall = (
  name: string,
  creator: (client: Streams) => Duplex,
  grpc: Streams,
  watch: AppendWatch,
): Duplex => {
  if (name === APPEND) return guard(creator(grpc), watch);
  return creator(READS.has(name) ? quickReader(grpc) : grpc);
};

/** As the generated client, but with answers decoded by ourselves. */
const quickReader = (grpc: Streams): Streams => {
  const { path, requestSerialize } = protocol.StreamsService.read;
  const read = (request: streams.ReadReq, metadata: Metadata, options: CallOptions) =>
    grpc.makeServerStreamRequest(path, requestSerialize, decodeReadResponse, request, metadata, options);
  return Object.assign(Object.create(grpc), { read });
};

const guard = (stream: Duplex, watch: AppendWatch): Duplex => {
  const handlers = stream.listeners('data');
  stream.removeAllListeners('data');
  stream.on('data', (response: unknown) => {
    watch.onHeard();
    try {
      for (const handler of handlers) handler.call(stream, response);
    } catch (error) {
      watch.onLateAnswer(error);
    }
  });
  const write = stream.write.bind(stream);
  stream.write = (request: streams.BatchAppendReq) => {
    write(unpacked(request));
    return true;
  };
  stream.on('error', (error) => watch.onBroken(error));
  stream.on('end', () => {
    watch.onBroken(new Error('the server ended the append stream'));
    stream.destroy();
  });
  return stream;
};

/** Cancels what is open and closes the connection. The client's own `dispose` leaves it open and may wait for ever. */
export const closeClient = async (client: EventStoreDBClient, patienceMs: number): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, patienceMs);
  });
  try {
    await Promise.race([client.dispose(), patience]);
    const channel = await inside(client).getChannel();
    channel.close();
  } catch {
    // It was never connected (a cluster that cannot be discovered): there is nothing to close.
  } finally {
    clearTimeout(timer);
  }
};
