const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * As much of the generated messages as the client asks when it converts an event: the RecordedEvent, and in one object with it its UUID, its
 * StreamIdentifier and its map.
 */
export class Recorded {
  id = '';
  stream = NOTHING;
  revision = 0;
  prepare = 0;
  commit = 0;
  type: string | undefined;
  contentType: string | undefined;
  created: string | undefined;
  customMetadata = NOTHING;
  data = NOTHING;

  hasId(): boolean {
    return true;
  }
  getId(): this {
    return this;
  }
  hasStructured(): boolean {
    return false;
  }
  getString(): string {
    return this.id;
  }
  hasStreamIdentifier(): boolean {
    return true;
  }
  getStreamIdentifier(): this {
    return this;
  }
  getStreamName(): Uint8Array {
    return this.stream;
  }
  getStreamRevision(): number {
    return this.revision;
  }
  getPreparePosition(): number {
    return this.prepare;
  }
  getCommitPosition(): number {
    return this.commit;
  }
  getMetadataMap(): this {
    return this;
  }
  get(key: 'type' | 'content-type' | 'created'): string | undefined {
    return key === 'type' ? this.type : key === 'created' ? this.created : this.contentType;
  }
  getCustomMetadata_asU8(): Uint8Array {
    return this.customMetadata;
  }
  getData(): Uint8Array {
    return this.data;
  }
  getData_asU8(): Uint8Array {
    return this.data;
  }
}

export class ReadEvent {
  constructor(
    private readonly recorded: Recorded,
    private readonly commit: number | undefined,
  ) {}

  hasEvent(): boolean {
    return true;
  }
  getEvent(): Recorded {
    return this.recorded;
  }
  hasLink(): boolean {
    return false;
  }
  hasCommitPosition(): boolean {
    return this.commit !== undefined;
  }
  getCommitPosition(): number | undefined {
    return this.commit;
  }
}

/** What the client's streams ask an answer that is an event. They ask nothing else of one that does not have it. */
export class ReadResponse {
  constructor(private readonly event: ReadEvent) {}

  hasEvent(): boolean {
    return true;
  }
  getEvent(): ReadEvent {
    return this.event;
  }
}
