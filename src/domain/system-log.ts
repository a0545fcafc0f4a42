import { z } from 'zod';
import { defineEvent } from './event-definition.js';

/** The first event of the stream `system-log` is the log's identity: PostgreSQL remembers it and refuses another log. */
export const SYSTEM_LOG_CATEGORY = 'system';
export const SYSTEM_LOG_ID = 'log';

export const systemLogEvents = [
  defineEvent({ type: 'LogCreated', version: 1, schema: z.object({ logId: z.uuid() }) }),
];
