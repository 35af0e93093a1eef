import HTTPCore
import UVLoop

/// An HTTP/1.1 client on the loops of a group: plain http with our own connections, https and unix sockets with
/// libcurl's.
///
/// A call made from one of the loops stays there; others take the loops in turn. Connections are kept alive and
/// shared by calls to the same host, port and policy class. Redirects are never followed.
package final class HTTPClient: Sendable {
    private let group: EventLoopGroup
    private let shards: [LoopBound<LoopClient>]

    /// - Parameter addressPolicy: asked about every address a connection may be opened to, literal or resolved.
    package init(
        group: EventLoopGroup, configuration: HTTPClientConfiguration = HTTPClientConfiguration(),
        addressPolicy: @escaping ConnectPolicy = { _, _ in .allowed }
    ) {
        self.group = group
        shards = group.loops.map { loop in
            LoopBound(
                handing: LoopClient(loop: loop, configuration: configuration, policy: addressPolicy), to: loop)
        }
    }

    deinit {
        close()
    }

    /// Sends a request and waits for the response's head, or for all of it when `request.collection` says so.
    ///
    /// Cancelling the task ends the call and closes its connection, also while the body is being read. A body that
    /// comes in gzip or deflate, unasked, is decoded; one in another coding cannot be read.
    package func send(
        _ request: consuming ClientRequest
    ) async throws(HTTPClientError) -> ClientResponse {
        let (collection, endsWithTask) = (request.collection, request.endsWithTask)
        let shard = shard()
        let call = LoopBound(handing: HTTPCall(request, client: shard), to: shard.loop)
        guard endsWithTask else { return try Self.decoded(try await outcome(of: call).get(), collection) }
        let outcome = await withTaskCancellationHandler {
            await self.outcome(of: call)
        } onCancel: {
            call.cancel()
        }
        return try Self.decoded(try outcome.get(), collection)
    }

    private static func decoded(
        _ response: ClientResponse, _ collection: ResponseCollection?
    ) throws(HTTPClientError) -> ClientResponse {
        guard response.headers.contains("content-encoding") else { return response }
        let isStreamed = collection?.except?(response.status, response.headers) ?? false
        return try response.decoded(collectedUpTo: isStreamed ? nil : collection?.limit)
    }

    private func outcome(of call: LoopBound<HTTPCall>) async -> HTTPCall.Outcome {
        await withUnsafeContinuation { continuation in
            call.loop.execute {
                let call = call.value
                if call.begin(continuation) { call.shard.start(call) }
            }
        }
    }

    /// Sends a request and waits for the whole response, whose body is `.empty` or `.bytes`.
    ///
    /// - Throws: `tooLarge` when the response's body is longer than `limit` bytes.
    package func send(
        _ request: consuming ClientRequest, collectUpTo limit: Int
    ) async throws(HTTPClientError) -> ClientResponse {
        request.collection = ResponseCollection(upTo: limit)
        return try await send(request)
    }

    /// Closes connections without a call and fails calls that wait for one. Running calls go on; later ones fail.
    package func close() {
        for shard in shards {
            shard.loop.execute { shard.value.close() }
        }
    }

    private func shard() -> LoopBound<LoopClient> {
        if let current = EventLoop.current, let shard = shards.first(where: { $0.loop === current }) { return shard }
        let loop = group.next()
        return shards.first { $0.loop === loop } ?? shards[0]
    }
}
