import { decodeRead } from '../protocol/read-request.js';
import type { Store } from '../store/store.js';
import type { GrpcCall } from './grpc-call.js';
import { readAllBackwards, readAllForwards, subscribeToAll } from './read-all.js';
import { readStream, subscribeToStream } from './read-stream.js';

/** Serves one Read call to its end: of a stream or `$all`, forwards or backwards, once or as a subscription. */
export async function read(store: Store, call: GrpcCall): Promise<void> {
  const request = decodeRead(await call.message());
  const { streamName, subscription, backwards } = request;
  if (streamName !== undefined) {
    if (subscription) await subscribeToStream(store, call, streamName, request);
    else await readStream(store, call, streamName, request);
  } else if (subscription) await subscribeToAll(store, call, request);
  else if (backwards) await readAllBackwards(store, call, request);
  else await readAllForwards(store, call, request);
}
