/** Why the embedded server cannot be used; the message says what to do. */
export class EmbeddedPostgresError extends Error {
  constructor(
    readonly code: 'embedded_postgres_in_use' | 'embedded_postgres_failed' | 'embedded_postgres_unusable',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'EmbeddedPostgresError';
  }
}
