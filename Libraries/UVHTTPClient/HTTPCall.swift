import Concurrency
import HTTPCore
import UVLoop

/// One call from `send` to the end of its response: what is independent of how the bytes travel.
///
/// Loop thread only. Its caller, who may be on any thread, has it as a `LoopBound`.
final class HTTPCall {
    typealias Outcome = Result<ClientResponse, HTTPClientError>

    private enum Delivery {
        /// Nothing of the response has gone to the caller.
        case pending
        /// The caller has the head and reads the body.
        case streaming
    }

    let request: ClientRequest
    private let client: LoopBound<LoopClient>
    /// When a connection must be there, in the loop's milliseconds.
    private(set) var connectDeadline: UInt64 = .max
    var clock = CallClock(idle: 0, total: nil, now: 0)
    /// Kept until the call is over; it keeps the call as well.
    var transport: (any CallTransport)?
    /// The host for whose connections the call waits, and what it leaves the queue with.
    var waiting: (host: HostConnections, ticket: WaitingList<HostConnections.Pool.Waiting>.Ticket)?
    var wasRetried = false
    var requestBytesWritten = false
    /// The response is complete, or the call failed: nothing that comes counts any more.
    private(set) var isFinished = false

    private var continuation: UnsafeContinuation<Outcome, Never>?
    private var delivery = Delivery.pending
    private var head: HTTPMessageHead?
    private var collects = false
    private var failure: HTTPClientError?
    /// Body bytes that have not been read yet.
    private var unread: [UInt8] = []
    private var isPaused = false
    private var reader: UnsafeContinuation<Result<[UInt8]?, HTTPBodyError>, Never>?

    /// From any thread.
    init(_ request: consuming ClientRequest, client: LoopBound<LoopClient>) {
        self.request = request
        self.client = client
    }

    var shard: LoopClient { client.value }
    var loop: EventLoop { client.loop }

    // MARK: - Beginning

    /// - Returns: false when the call was cancelled before it began; the continuation is resumed then.
    func begin(_ continuation: UnsafeContinuation<Outcome, Never>) -> Bool {
        if let failure {
            continuation.resume(returning: .failure(failure))
            return false
        }
        self.continuation = continuation
        let now = loop.nowMilliseconds
        clock = CallClock(
            idle: request.idleTimeout?.milliseconds ?? shard.idleMilliseconds,
            total: request.totalTimeout?.milliseconds, now: now)
        connectDeadline = now + (request.connectTimeout?.milliseconds ?? shard.connectMilliseconds)
        return true
    }

    /// Ends the call for lack of a connection, for the reason that applies.
    ///
    /// - Parameter isWaiting: it waited for one that carries another call: the host may be all right.
    func failUnconnected(isWaiting: Bool = false) {
        if clock.total <= loop.nowMilliseconds { return fail(.totalTimeout) }
        if isWaiting { return fail(.overloaded, "no connection came free in time") }
        fail(.connectTimeout)
    }

    // MARK: - From the transport

    /// The final response's head arrived. Delivered by `flush`, when it is known whether the body is there as well.
    func received(_ head: HTTPMessageHead) {
        guard !isFinished else { return }
        self.head = head
        guard let collection = request.collection else { return }
        collects = !(collection.except?(head.status, head.headers) ?? false)
        guard collects, let length = head.contentLength, request.method != .head else { return }
        if length > UInt64(collection.limit) { return fail(.tooLarge, "the response announces \(length) bytes") }
        unread.reserveCapacity(Int(length))
    }

    func received(body bytes: UnsafeBufferPointer<UInt8>) {
        guard !isFinished, !bytes.isEmpty else { return }
        if let reader {
            self.reader = nil
            return reader.resume(returning: .success(Array(bytes)))
        }
        unread.append(contentsOf: bytes)
        if collects {
            if let limit = request.collection?.limit, unread.count > limit {
                fail(.tooLarge, "the response is longer than \(limit) bytes")
            }
        } else if unread.count > shard.configuration.maxUnreadBytes, !isPaused {
            isPaused = true
            transport?.setReading(false)
        }
    }

    /// What has come so far is all for now.
    func flush() {
        guard !isFinished, head != nil, !collects, case .pending = delivery else { return }
        delivery = .streaming
        respond(with: .stream(StreamedBody(LoopBound(self, on: loop))))
    }

    /// The response is complete. The transport has detached itself.
    func complete() {
        guard !isFinished else { return }
        isFinished = true
        transport = nil
        switch delivery {
        case .pending:
            respond(with: unread.isEmpty ? .empty : .bytes(unread))
            unread = []
        case .streaming:
            // A waiting reader has taken everything before.
            reader?.resume(returning: .success(nil))
            reader = nil
        }
    }

    /// Ends the call without its whole response, and what carries it.
    func fail(_ kind: HTTPClientError.Kind, _ detail: String = "") {
        guard !isFinished else { return }
        isFinished = true
        let error = HTTPClientError(
            kind, requestBytesWritten: requestBytesWritten, status: head?.status, wasRetried: wasRetried,
            detail: detail)
        failure = error
        if let waiting { waiting.host.leave(waiting.ticket) }
        waiting = nil
        transport?.abort()
        transport = nil
        continuation?.resume(returning: .failure(error))
        continuation = nil
        reader?.resume(returning: .failure(error.bodyError))
        reader = nil
    }

    /// Looks at the deadlines. The transport calls it when `clock.next` has passed, and arms its timer again.
    func checkDeadlines() {
        let now = loop.nowMilliseconds
        if clock.total <= now { return fail(.totalTimeout) }
        guard clock.idleDeadline <= now else { return }
        // Nothing can arrive while nothing is read.
        if isPaused { return clock.recordActivity(at: now) }
        guard let onExpiry = request.idleTimeout?.onExpiry else { return fail(.idleTimeout) }
        clock.isAsking = true
        let call = LoopBound(self, on: loop)
        loop.spawn {
            let extension_ = await onExpiry()
            call.loop.execute { call.value.expiryDecided(extension_) }
        }
    }

    private func expiryDecided(_ rest: Duration?) {
        guard !isFinished else { return }
        clock.isAsking = false
        let now = loop.nowMilliseconds
        if let rest {
            clock.extend(until: now + max(1, rest.milliseconds))
        } else if clock.idleDeadline <= now {
            return fail(.idleTimeout)
        }
        transport?.rearm()
    }

    private func respond(with body: HTTPBody) {
        guard let continuation, let head else { return }
        self.continuation = nil
        let response = ClientResponse(
            status: head.status, headers: head.headers, body: body, wasRetried: wasRetried)
        continuation.resume(returning: .success(response))
    }

    // MARK: - From the reader

    /// Body bytes that are there, the end, or an error; `nil` when the reader has to wait.
    func take() -> Result<[UInt8]?, HTTPBodyError>? {
        if !unread.isEmpty {
            let bytes = unread
            unread = []
            if isPaused {
                isPaused = false
                clock.recordActivity(at: loop.nowMilliseconds)
                transport?.setReading(true)
            }
            return .success(bytes)
        }
        if let failure { return .failure(failure.bodyError) }
        return isFinished ? .success(nil) : nil
    }

    func read(_ continuation: UnsafeContinuation<Result<[UInt8]?, HTTPBodyError>, Never>) {
        if let ready = take() { return continuation.resume(returning: ready) }
        precondition(reader == nil, "a body has one reader at a time")
        reader = continuation
    }
}

extension LoopBound<HTTPCall> {
    /// From any thread.
    func cancel() {
        loop.execute { value.fail(.cancelled) }
    }
}

extension HTTPClientError {
    /// The same failure in the words that a body has for it.
    var bodyError: HTTPBodyError {
        switch kind {
        case .idleTimeout, .totalTimeout: .timedOut
        case .cancelled: .cancelled
        default: .truncated
        }
    }
}

extension HTTPCall {
    /// The request can be sent once more, and has not been.
    var canRetry: Bool {
        guard request.retriesStaleConnection, !wasRetried, !isFinished else { return false }
        if case .stream = request.body { return false }
        return true
    }
}
