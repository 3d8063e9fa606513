import http2 from 'node:http2';

const DESCRIBE_NAMESPACE = '/temporal.api.workflowservice.v1.WorkflowService/DescribeNamespace';

/**
 * Whether a Temporal server answers for `namespace`. One gRPC request over plain HTTP/2, because loading the Temporal
 * client would take longer than the server needs to start.
 */
export function isTemporalReady(port: number, namespace: string): Promise<boolean> {
  return new Promise((resolve) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    const finish = (isReady: boolean) => {
      session.destroy();
      resolve(isReady);
    };
    session.on('error', () => finish(false));
    session.setTimeout(2000, () => finish(false));
    const request = session.request({
      ':method': 'POST',
      ':path': DESCRIBE_NAMESPACE,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    // A request that fails is answered in headers alone, one that succeeds ends with trailers.
    request.on('trailers', (headers: http2.IncomingHttpHeaders) => finish(headers['grpc-status'] === '0'));
    request.on('error', () => finish(false));
    request.on('end', () => setImmediate(() => finish(false)));
    request.resume();
    request.end(grpcFrame(namespaceField(namespace)));
  });
}

/** Field 1 of DescribeNamespaceRequest. Namespaces are shorter than the 128 bytes that a one-byte length can say. */
function namespaceField(namespace: string): Buffer {
  const name = Buffer.from(namespace, 'utf8').subarray(0, 127);
  return Buffer.concat([Buffer.from([0x0a, name.length]), name]);
}

function grpcFrame(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
