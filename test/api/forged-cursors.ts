/** What no list would say: beyond the types of the database, of another type, or no text at all. */
const EXTREMES: readonly unknown[] = [
  '',
  '-1',
  '2147483648',
  '9'.repeat(18),
  `-${'9'.repeat(18)}`,
  '9'.repeat(19),
  '1e9',
  '\ud800',
  'a\0b',
  '~'.repeat(500),
  null,
  1,
];

const encode = (cursor: readonly unknown[]): string =>
  Buffer.from(JSON.stringify(cursor)).toString('base64url');

/** The list and the key that a `nextCursor` holds; none where it is a plain number. */
const partsOf = (cursor: string): readonly unknown[] => {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
};

/** Cursors made out of a right one, each with one part taken to an extreme. */
export const forgedCursors = (cursor: string): string[] => {
  const parts = partsOf(cursor);
  return [
    ...EXTREMES.map(String),
    ...parts.flatMap((_, index) =>
      EXTREMES.map((extreme) => encode(parts.map((part, at) => (at === index ? extreme : part)))),
    ),
  ];
};
