/** What clients ask about the server itself before they use it. */
import { ProtoWriter } from './proto-writer.js';

export function supportedMethods(
  version: string,
  methods: readonly {
    readonly service: string;
    readonly method: string;
    readonly features: readonly string[];
  }[],
): Buffer {
  const answer = new ProtoWriter();
  for (const { service, method, features } of methods) {
    const entry = new ProtoWriter().string(1, method).string(2, service);
    for (const feature of features) entry.string(3, feature);
    answer.message(1, entry);
  }
  return answer.string(2, version).finish();
}

/** A cluster of one live leader. */
export function clusterInfo(instanceId: string, host: string, port: number, timeTicks: bigint): Buffer {
  const VNODE_STATE_LEADER = 8;
  const member = new ProtoWriter()
    .message(1, new ProtoWriter().string(2, instanceId))
    .int64(2, timeTicks)
    .uint(3, VNODE_STATE_LEADER)
    .uint(4, 1)
    .message(5, new ProtoWriter().string(1, host).uint(2, port));
  return new ProtoWriter().message(1, member).finish();
}
