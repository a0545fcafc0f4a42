import rpcCode from '@eventstore/db-client/generated/code_pb.js';
import serverFeaturesService from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import serverFeatures from '@eventstore/db-client/generated/serverfeatures_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import rpcStatus from '@eventstore/db-client/generated/status_pb.js';
import streamsService from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import anyMessages from 'google-protobuf/google/protobuf/any_pb.js';

const { Any } = anyMessages;

export type AppendCall = ServerDuplexStream<streams.BatchAppendReq, streams.BatchAppendResp>;

export interface ScriptedServer {
  readonly connectionString: string;
  /** What arrived, as the ids of the events and the expected revision. */
  readonly requests: {
    readonly ids: readonly string[];
    readonly expected: string;
    readonly stream: number;
  }[];
  close(): void;
}

/** Ends the call with a status that tells the client to go elsewhere. */
export const fail = (call: AppendCall): void => {
  call.emit('error', { code: status.UNAVAILABLE, details: 'gone' });
};

/** An answer of success to a request. */
export const success = (request: streams.BatchAppendReq, revision = 0): streams.BatchAppendResp => {
  const response = new streams.BatchAppendResp();
  response.setCorrelationId(request.getCorrelationId());
  const done = new streams.BatchAppendResp.Success();
  done.setCurrentRevision(String(revision));
  const position = new shared.AllStreamPosition();
  position.setCommitPosition('100');
  position.setPreparePosition('100');
  done.setPosition(position);
  response.setSuccess(done);
  return response;
};

/** An answer that says nothing of whether it was written: the server gave up on it. */
export const timedOut = (request: streams.BatchAppendReq): streams.BatchAppendResp => {
  const response = new streams.BatchAppendResp();
  response.setCorrelationId(request.getCorrelationId());
  response.setStreamIdentifier(request.getOptions()?.getStreamIdentifier());
  const error = new rpcStatus.Status();
  error.setCode(rpcCode.Code.DEADLINE_EXCEEDED);
  error.setMessage('timeout');
  const details = new Any();
  details.pack(new shared.Timeout().serializeBinary(), 'event_store.client.Timeout');
  error.setDetails(details);
  response.setError(error);
  return response;
};

/** An answer to an append that nobody sent, or that was forgotten long ago. */
export const answerToNobody = (request: streams.BatchAppendReq): streams.BatchAppendResp => {
  const response = success(request);
  const id = new shared.UUID();
  id.setString('00000000-0000-4000-8000-000000000000');
  response.setCorrelationId(id);
  return response;
};

/**
 * A gRPC server that takes appends and does with each what the test says: for answers no real server gives on demand.
 * `onAppend` gets the request, its number from 0 and the call it came on.
 */
export const startScriptedServer = async (
  onAppend: (request: streams.BatchAppendReq, index: number, call: AppendCall) => void,
): Promise<ScriptedServer> => {
  const requests: ScriptedServer['requests'] = [];
  let calls = 0;
  const server = new Server();
  const getSupportedMethods: handleUnaryCall<shared.Empty, serverFeatures.SupportedMethods> = (_, answer) => {
    const methods = new serverFeatures.SupportedMethods();
    const method = new serverFeatures.SupportedMethod();
    method.setServiceName('event_store.client.streams.streams');
    method.setMethodName('batchappend');
    methods.setMethodsList([method]);
    methods.setEventStoreServerVersion('24.10.0');
    answer(null, methods);
  };
  const batchAppend = (call: AppendCall): void => {
    const stream = calls;
    calls += 1;
    call.on('error', () => undefined);
    call.on('data', (request: streams.BatchAppendReq) => {
      const options = request.getOptions();
      const index = requests.length;
      requests.push({
        ids: request.getProposedMessagesList().map((message) => message.getId()?.getString() ?? ''),
        expected: options?.hasNoStream() === true ? 'no_stream' : (options?.getStreamPosition() ?? ''),
        stream,
      });
      onAppend(request, index, call);
    });
  };
  const none: UntypedServiceImplementation[string] = () => undefined;
  const methods = { batchAppend, read: none, append: none, delete: none, tombstone: none };
  server.addService(streamsService.StreamsService, methods as unknown as UntypedServiceImplementation);
  server.addService(serverFeaturesService.ServerFeaturesService, { getSupportedMethods });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    connectionString: `esdb://127.0.0.1:${port}?tls=false`,
    requests,
    close: () => server.forceShutdown(),
  };
};
