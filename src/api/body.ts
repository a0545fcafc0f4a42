import type { IncomingMessage } from 'node:http';
import { Problem } from './problems.js';

/** A larger body is refused before it is read, or as soon as it has come to this. */
export const BODY_BYTES_MAX = 1_048_576;
/** No request nests as deep as this. */
const DEPTH_MAX = 32;

const isJson = (contentType: string | undefined): boolean =>
  /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(contentType ?? '');

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const collect = (request: IncomingMessage): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const done = (): void => {
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes <= BODY_BYTES_MAX) {
        chunks.push(chunk);
        return;
      }
      done();
      // The rest is read and dropped, so that the client gets to see the answer; the request timeout bounds it.
      request.resume();
      reject(tooLarge());
    };
    const onEnd = (): void => {
      done();
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, bytes));
    };
    const onClose = (): void => {
      done();
      reject(new Problem('invalid_http', 'the request ended before its body did'));
    };
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });

const tooLarge = (): Problem => new Problem('body_too_large', `a body has at most ${BODY_BYTES_MAX} bytes`);

/**
 * JSON can spell what neither UTF-8 nor PostgreSQL can keep: NUL and half of a surrogate pair. Both can only come from a
 * `\u` escape, so most bodies are never walked.
 */
const isStorable = (value: unknown, depth = 0): boolean => {
  if (typeof value === 'string') return isStorableText(value);
  if (typeof value !== 'object' || value === null) return true;
  if (depth > DEPTH_MAX) return false;
  return Object.entries(value).every(([key, entry]) => isStorableText(key) && isStorable(entry, depth + 1));
};

/** No NUL, no half of a surrogate pair. */
export const isStorableText = (text: string): boolean => !/[\0\p{Cs}]/u.test(text);

/**
 * The JSON body of a request, undefined when there is none. Problems: `unsupported_media_type`, `body_too_large`,
 * `invalid_json`.
 */
export const readBody = async (request: IncomingMessage): Promise<unknown> => {
  const { headers } = request;
  const length = Number(headers['content-length'] ?? 0);
  if (headers['transfer-encoding'] === undefined && length === 0) return undefined;
  if (!isJson(headers['content-type'])) {
    throw new Problem('unsupported_media_type', 'bodies are application/json in UTF-8');
  }
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new Problem('unsupported_media_type', 'bodies are not compressed');
  }
  if (length > BODY_BYTES_MAX) {
    request.resume();
    throw tooLarge();
  }
  const bytes = await collect(request);
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw new Problem('invalid_json', 'the body cannot be parsed as JSON in UTF-8', { cause });
  }
  if (text.includes('\\u') && !isStorable(value)) {
    throw new Problem(
      'invalid_json',
      'the body has text with NUL or half of a surrogate pair, or is nested too deep',
    );
  }
  return value;
};
