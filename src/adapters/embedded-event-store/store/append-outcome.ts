/** What became of an append. Positions and revisions are those of its last event; -1 where there is none. */
export type AppendOutcome =
  | { readonly kind: 'written'; readonly last: number; readonly position: number }
  | { readonly kind: 'repeat'; readonly last: number; readonly position: number }
  | { readonly kind: 'wrong_version'; readonly current: number }
  | { readonly kind: 'deleted' }
  /** The log could not be written: nothing is stored, and it may be tried again. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Called once, when everything that the outcome depends on is on the disk, or failed. */
export type Done = (outcome: AppendOutcome) => void;
