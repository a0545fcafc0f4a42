/** Expected trouble of the write path. All are retriable: the same command, with the same id, may be sent again. */
abstract class RetriableError extends Error {
  abstract readonly code: string;
  readonly retriable = true;
}

/** Too many commands wait, for this stream or in total. Nothing was decided. */
export class CommandQueueFull extends RetriableError {
  readonly code = 'command_queue_full';
  constructor(scope: string, limit: number) {
    super(`${scope} has ${limit} commands waiting already`);
    this.name = 'CommandQueueFull';
  }
}

/** Other processes wrote to the stream between every read and append of ours. Nothing was written. */
export class StreamContended extends RetriableError {
  readonly code = 'stream_contended';
  constructor(stream: string, conflicts: number) {
    super(`stream ${stream} changed under ${conflicts} appends in a row`);
    this.name = 'StreamContended';
  }
}

/** The process is stopping. */
export class CommandBusClosed extends RetriableError {
  readonly code = 'command_bus_closed';
  constructor() {
    super('no more commands are taken, the process is stopping');
    this.name = 'CommandBusClosed';
  }
}
