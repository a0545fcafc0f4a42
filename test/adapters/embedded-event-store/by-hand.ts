import http2 from 'node:http2';
import { finallyDo } from './support.js';

export const STREAMS = '/event_store.client.streams.Streams';

/** A message with the head that gRPC puts before it; the head can lie. */
export function frame(body: Uint8Array, flag = 0, length = body.length): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, body]);
}

/** One gRPC call made without the client, which never does what is tried here. */
export class CallByHand {
  readonly #session: http2.ClientHttp2Session;
  readonly #stream: http2.ClientHttp2Stream;
  readonly #answers: Buffer[] = [];
  #bytes = Buffer.alloc(0);
  #changed = (): void => undefined;
  #status = '';
  #over = false;

  /** A `deaf` one takes no answers until it is told to `listen`. */
  constructor(port: number, path: string, { contentType = 'application/grpc', deaf = false } = {}) {
    this.#session = http2.connect(`http://127.0.0.1:${port}`);
    this.#session.on('error', () => undefined);
    this.#stream = this.#session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': contentType,
      te: 'trailers',
    });
    const note = (headers: http2.IncomingHttpHeaders): void => {
      this.#status = String(headers['grpc-status'] ?? (this.#status || `http ${headers[':status']}`));
    };
    this.#stream.on('response', note);
    this.#stream.on('trailers', note);
    this.#stream.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#stream.on('error', () => undefined);
    this.#stream.on('close', () => {
      this.#over = true;
      this.#changed();
    });
    if (deaf) this.#stream.pause();
    finallyDo(() => this.#session.destroy());
  }

  listen(): void {
    this.#stream.resume();
  }

  /** Sends bytes as they are. */
  write(bytes: Uint8Array): this {
    this.#stream.write(bytes);
    return this;
  }

  send(message: { serializeBinary(): Uint8Array }): this {
    return this.write(frame(message.serializeBinary()));
  }

  /** Hangs up in the middle. */
  cancel(): void {
    this.#stream.close(http2.constants.NGHTTP2_CANCEL);
  }

  /** The next message of the server. */
  async answer(): Promise<Buffer> {
    await this.#until(() => this.#answers.length > 0 || this.#over);
    const answer = this.#answers.shift();
    if (answer === undefined) throw new Error(`the call ended with status ${this.#status}`);
    return answer;
  }

  /** Says that nothing more comes, and waits for the end: the status, and the answers nobody took. */
  async end(): Promise<{ status: string; answers: Buffer[] }> {
    this.#stream.end();
    await this.#until(() => this.#over);
    return { status: this.#status, answers: this.#answers };
  }

  #take(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    while (this.#bytes.length >= 5 && this.#bytes.length - 5 >= this.#bytes.readUInt32BE(1)) {
      const end = 5 + this.#bytes.readUInt32BE(1);
      this.#answers.push(this.#bytes.subarray(5, end));
      this.#bytes = this.#bytes.subarray(end);
    }
    this.#changed();
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}
