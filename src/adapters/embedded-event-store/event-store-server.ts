/** The server: which methods there are, who may call them, and how it starts and stops. */
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { append, batchAppend, deleteStream } from './append-calls.js';
import { lockDirectory } from './directory-lock.js';
import { notAuthenticated, notImplemented, shuttingDown } from './errors.js';
import { type CallHandler, type GrpcCall, GrpcServer, STOP_GRACE_MS } from './grpc-server.js';
import { read } from './read-calls.js';
import { openMemoryStore, openStore } from './recovery.js';
import { clusterInfo, supportedMethods } from './responses.js';

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
  readonly credentials?: { readonly user: string; readonly password: string } | undefined;
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
    const store = directory === undefined ? openMemoryStore({ log }) : await openStore(directory, { log });
    const calls = new Set<GrpcCall>();
    const instanceId = randomUUID();
    let port = 0;

    /** Calls that are open when the server stops are ended by it. */
    const tracked =
      (handler: CallHandler): CallHandler =>
      (call) => {
        calls.add(call);
        call.onClose(() => calls.delete(call));
        return handler(call);
      };
    const answering =
      (answer: (call: GrpcCall) => Buffer): CallHandler =>
      async (call) => {
        await call.message();
        call.send(answer(call));
        call.finish();
      };

    const server = new GrpcServer({
      handlers: new Map<string, CallHandler>([
        [`${STREAMS}/Read`, tracked((call) => read(store, call))],
        [`${STREAMS}/Append`, tracked((call) => append(store, call))],
        [`${STREAMS}/BatchAppend`, tracked((call) => batchAppend(store, call))],
        [`${STREAMS}/Delete`, tracked((call) => deleteStream(store, call, false))],
        [`${STREAMS}/Tombstone`, tracked((call) => deleteStream(store, call, true))],
        [SERVER_FEATURES, answering(() => supportedMethods(SERVER_VERSION, METHODS))],
        [GOSSIP, answering(() => clusterInfo(instanceId, host, port, BigInt(Date.now()) * TICKS_PER_MS))],
      ]),
      gate: gateFor(options.credentials),
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
        await Promise.race([store.whenIdle(), sleep(STOP_GRACE_MS / 2)]);
        for (const call of calls) call.finish(shuttingDown());
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

/** Without credentials everybody may do everything; with them, only their bearer. Discovery stays open. */
function gateFor(credentials: EventStoreServerOptions['credentials']) {
  if (credentials === undefined) return () => undefined;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const wanted = digest(`${credentials.user}:${credentials.password}`);
  return (path: string, authorization: string | undefined): void => {
    if (path === GOSSIP || path === SERVER_FEATURES) return;
    const [scheme, value] = (authorization ?? '').split(' ');
    if (scheme?.toLowerCase() !== 'basic' || value === undefined) throw notAuthenticated();
    if (!timingSafeEqual(digest(Buffer.from(value, 'base64').toString('utf8')), wanted))
      throw notAuthenticated();
  };
}

/** Where a directory's log is; for tools that read it. */
export const logPath = (directory: string): string => join(directory, 'events.log');
