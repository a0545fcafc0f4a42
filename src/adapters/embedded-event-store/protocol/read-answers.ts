/** What a Read call is told besides events: members of the oneof in ReadResp. */
import { ProtoWriter } from './proto-writer.js';

const at = (position: number): ProtoWriter => new ProtoWriter().uint(1, position).uint(2, position);

export const confirmation = (subscriptionId: string): Buffer =>
  new ProtoWriter().message(2, new ProtoWriter().string(1, subscriptionId)).finish();

export const checkpoint = (position: number): Buffer => new ProtoWriter().message(3, at(position)).finish();

export const streamNotFound = (name: Buffer): Buffer =>
  new ProtoWriter().message(4, new ProtoWriter().message(1, new ProtoWriter().bytes(3, name))).finish();

export const firstStreamPosition = (revision: number): Buffer => new ProtoWriter().uint(5, revision).finish();

export const lastStreamPosition = (revision: number): Buffer => new ProtoWriter().uint(6, revision).finish();

export const CAUGHT_UP: Buffer = new ProtoWriter().message(8, new ProtoWriter()).finish();
