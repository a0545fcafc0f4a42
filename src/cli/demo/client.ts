/** A channel adapter in miniature: how the demo and the benches talk to the API. */
export interface Answer<Body = Record<string, unknown>> {
  readonly status: number;
  readonly body: Body;
  /** Token of the log position it reached, for `?after=`. */
  readonly position: string | undefined;
}

export interface ApiClient {
  get(path: string): Promise<Answer>;
  put(path: string, body: unknown): Promise<Answer>;
  post(path: string, body: unknown, idempotencyKey?: string): Promise<Answer>;
}

/** An answer that the demo did not count on. */
export class UnexpectedAnswer extends Error {
  readonly code = 'unexpected_answer';
  constructor(what: string, { status, body }: Answer) {
    super(`${what}: ${status} ${JSON.stringify(body)}`);
    this.name = 'UnexpectedAnswer';
  }
}

export const RETRIES_MAX = 20;
const RETRY_PAUSE_MS = 100;

/** A client that waits and asks again when the API is busy (429, 503), as a channel must; a write keeps its key. */
export const createApiClient = (baseUrl: string, key: string): ApiClient => {
  const request = async (
    method: string,
    path: string,
    body?: unknown,
    idempotencyKey?: string,
  ): Promise<Answer> => {
    for (let tries = 0; ; tries += 1) {
      const response = await fetch(new URL(path, baseUrl), {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const answer: Answer = {
        status: response.status,
        body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
        position: response.headers.get('event-position') ?? undefined,
      };
      const busy = answer.status === 503 || answer.status === 429;
      if (!busy || tries >= RETRIES_MAX) return answer;
      await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS * (1 + tries)));
    }
  };
  return {
    get: (path) => request('GET', path),
    put: (path, body) => request('PUT', path, body),
    post: (path, body, idempotencyKey) => request('POST', path, body, idempotencyKey),
  };
};

/** The answer, if its status is one of those; throws {@link UnexpectedAnswer} otherwise. */
export const expectStatus = async (
  what: string,
  asked: Promise<Answer>,
  ...statuses: number[]
): Promise<Answer> => {
  const answer = await asked;
  if (!statuses.includes(answer.status)) throw new UnexpectedAnswer(what, answer);
  return answer;
};

/** Runs `act` over the items, at most `limit` at once. */
export const inParallel = async <Item>(
  items: readonly Item[],
  limit: number,
  act: (item: Item, index: number) => Promise<void>,
): Promise<void> => {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) await act(items[index] as Item, index);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
};
