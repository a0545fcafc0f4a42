import { Http2SubchannelCall } from '@grpc/grpc-js/build/src/subchannel-call.js';

/** What we reach for inside grpc-js: one call on one connection. A test fails when it is not as this says. */
interface CallOnTheWire {
  readonly http2Stream: { readonly writableLength: number };
  sendMessageWithContext(context: Context, message: Buffer): void;
}
interface Context {
  readonly callback?: ((error?: Error | null) => void) | undefined;
}

/** So much of one call may wait for its connection before the next message waits for room again. */
export const WRITE_AHEAD_MAX_BYTES = 1024 * 1024;

/**
 * grpc-js hands a call's next message to HTTP/2 when the one before has left, which is one message in a turn of the event loop. All
 * appends of a process share one call: so when turns get long (a burst of requests, a collection, a busy machine) appends
 * leave more slowly the more of them there are, and an event store that would write a hundred at once gets one at a time. Here the
 * next message does not wait for the one before, and what queues up leaves in one write.
 *
 * 500 appends a second beside other programs on 2 cores (2026-11-28), without and with, in turn: p99 231 and 66 ms, 224 and 15, 34 and 10
 * (12 and 17 when it was quiet); at 2,000 a second 122 and 43, 893 and 465.
 */
const prototype = Http2SubchannelCall.prototype as unknown as CallOnTheWire;
const sendMessage = prototype.sendMessageWithContext;
prototype.sendMessageWithContext = function (context, message) {
  if (this.http2Stream.writableLength >= WRITE_AHEAD_MAX_BYTES) {
    sendMessage.call(this, context, message);
    return;
  }
  // A write that fails ends the call, which is how it is heard of; the callback only asks for the next message.
  sendMessage.call(this, { ...context, callback: undefined }, message);
  process.nextTick(() => context.callback?.());
};
