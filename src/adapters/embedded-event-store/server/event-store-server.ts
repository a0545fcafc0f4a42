/** The server: which methods there are, who may call them, and how it starts and stops. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockDirectory } from '../directory-lock.js';
import { notImplemented, shuttingDown } from '../errors.js';
import { clusterInfo, supportedMethods } from '../protocol/server-answers.js';
import { openMemoryStore, openStore } from '../store/recovery.js';
import { append, deleteStream } from './append-call.js';
import { batchAppend } from './batch-append-call.js';
import { type Credentials, gateFor } from './credentials.js';
import type { GrpcCall } from './grpc-call.js';
import { type CallHandler, GrpcServer, STOP_GRACE_MS } from './grpc-server.js';
import { read } from './read-call.js';

/** The server whose behaviour this one has. */
export const SERVER_VERSION = '23.10.0';
const STREAMS = '/event_store.client.streams.Streams';
const SERVER_FEATURES = '/event_store.client.server_features.ServerFeatures/GetSupportedMethods';
const GOSSIP = '/event_store.client.gossip.Gossip/Read';
/** .NET counts time in 100 ns. */
const TICKS_PER_MS = 10_000n;

export interface EventStoreServerOptions {
  /** Where the log is kept; absent for a store in memory. */
  readonly directory?: string | undefined;
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  /** Set, every call needs these credentials. Clients send them over TLS only. */
  readonly credentials?: Credentials | undefined;
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer } | undefined;
  readonly log: (message: string) => void;
}

export interface EventStoreServer {
  readonly port: number;
  /** Finishes what is in flight, ends subscriptions as unavailable, and closes the log. */
  stop(): Promise<void>;
}

/**
 * Starts a server. Rejects with StorageError (`directory_locked`, and what `openStore` throws) or with the system's
 * error when the port is taken.
 */
export async function startServer(options: EventStoreServerOptions): Promise<EventStoreServer> {
  const { directory, host, log } = options;
  const lock = directory === undefined ? undefined : lockDirectory(directory);
  try {
    const store =
      directory === undefined
        ? openMemoryStore({ report: log })
        : await openStore(directory, { report: log });
    const instanceId = randomUUID();
    let port = 0;

    const answering =
      (answer: (call: GrpcCall) => Buffer): CallHandler =>
      async (call) => {
        await call.message();
        call.send(answer(call));
        call.finish();
      };

    const server = new GrpcServer({
      handlers: new Map<string, CallHandler>([
        [`${STREAMS}/Read`, (call) => read(store, call)],
        [`${STREAMS}/Append`, (call) => append(store, call)],
        [`${STREAMS}/BatchAppend`, (call) => batchAppend(store, call)],
        [`${STREAMS}/Delete`, (call) => deleteStream(store, call, false)],
        [`${STREAMS}/Tombstone`, (call) => deleteStream(store, call, true)],
        [SERVER_FEATURES, answering(() => supportedMethods(SERVER_VERSION, METHODS))],
        [GOSSIP, answering(() => clusterInfo(instanceId, host, port, BigInt(Date.now()) * TICKS_PER_MS))],
      ]),
      gate: gateFor(options.credentials, [GOSSIP, SERVER_FEATURES]),
      unknown: notImplemented,
      tls: options.tls,
      log,
    });
    try {
      port = await server.listen(options.port, host);
    } catch (error) {
      await store.close();
      throw error;
    }
    return {
      port,
      stop: async () => {
        const stopped = server.stop();
        // Somebody who goes on appending must not keep the server from stopping.
        await Promise.race([store.writer.whenIdle(), sleep(STOP_GRACE_MS / 2)]);
        server.endCalls(shuttingDown());
        await stopped;
        await store.close();
        lock?.release();
      },
    };
  } catch (error) {
    lock?.release();
    throw error;
  }
}

const METHODS = [
  ...['read', 'append', 'delete', 'tombstone'].map((method) => ({ method, features: [] })),
  { method: 'batchappend', features: ['deadline_duration'] },
].map(({ method, features }) => ({ service: 'event_store.client.streams.streams', method, features }));
