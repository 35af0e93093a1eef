import Concurrency
import HTTPCore
import UVLoop

/// One call from `send` to the end of its response: what is independent of how the bytes travel. Tells `CallStateMachine`
/// what happens, and performs the actions that it asks for.
///
/// Loop thread only. Its caller, who may be on any thread, has it as a `LoopBound`.
final class HTTPCall {
    typealias Outcome = Result<ClientResponse, HTTPClientError>

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

    private var machine = CallStateMachine()
    private var continuation: UnsafeContinuation<Outcome, Never>?
    private var head: HTTPMessageHead?
    private var failure: HTTPClientError?
    /// Body bytes that have not been read yet.
    private var unread: [UInt8] = []
    private var reader: UnsafeContinuation<Result<[UInt8]?, HTTPBodyError>, Never>?

    /// From any thread.
    init(_ request: consuming ClientRequest, client: LoopBound<LoopClient>) {
        self.request = request
        self.client = client
    }

    var shard: LoopClient { client.value }
    var loop: EventLoop { client.loop }
    /// The response is complete, or the call failed: nothing that comes counts any more.
    var isFinished: Bool { machine.isFinished }

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
        let collection = request.collection.flatMap { $0.except?(head.status, head.headers) == true ? nil : $0 }
        let announced = request.method == .head ? nil : head.contentLength
        guard machine.headReceived(collecting: collection?.limit, announced: announced) else {
            return fail(.tooLarge, "the response announces \(announced ?? 0) bytes")
        }
        if collection != nil, let announced { unread.reserveCapacity(Int(announced)) }
    }

    func received(body bytes: UnsafeBufferPointer<UInt8>) {
        let piece = machine.bodyReceived(
            bytes.count, unread: unread.count, maxUnread: shard.configuration.maxUnreadBytes, isAwaited: reader != nil)
        switch piece {
        case .ignore: break
        case .hand:
            reader.take()?.resume(returning: .success(Array(bytes)))
        case .keep(let actions):
            unread.append(contentsOf: bytes)
            perform(actions)
        case .refuse: fail(.tooLarge, "the response is longer than \(request.collection?.limit ?? 0) bytes")
        }
    }

    /// What has come so far is all for now.
    func flush() { perform(machine.flushed()) }

    /// The response is complete. The transport has detached itself.
    func complete() { perform(machine.completed()) }

    /// Ends the call without its whole response, and what carries it.
    func fail(_ kind: HTTPClientError.Kind, _ detail: String = "") {
        guard !isFinished else { return }
        failure = HTTPClientError(
            kind, requestBytesWritten: requestBytesWritten, status: head?.status, wasRetried: wasRetried,
            detail: detail)
        perform(machine.failed())
    }

    /// Performs what an event asks for. Whoever waits comes last: the call is in its new state by then.
    private func perform(_ actions: CallStateMachine.Actions) {
        if actions.isEmpty { return }
        if actions.contains(.leaveQueue), let waiting = waiting.take() { waiting.host.leave(waiting.ticket) }
        if actions.contains(.abortTransport) { transport.take()?.abort() }
        if actions.contains(.forgetTransport) { transport = nil }
        if actions.contains(.pauseReading) { transport?.setReading(false) }
        if actions.contains(.resumeReading) {
            clock.recordActivity(at: loop.nowMilliseconds)
            transport?.setReading(true)
        }
        if actions.contains(.respondWithStream) { respond(with: .stream(StreamedBody(LoopBound(self, on: loop)))) }
        if actions.contains(.respondWithBody) {
            let body = unread
            unread = []
            respond(with: body.isEmpty ? .empty : .bytes(body))
        }
        if actions.contains(.resumeWaiting) { resumeWaiting() }
    }

    private func resumeWaiting() {
        if let failure { continuation.take()?.resume(returning: .failure(failure)) }
        // A reader that waits has taken everything before.
        reader.take()?.resume(returning: failure.map { .failure($0.bodyError) } ?? .success(nil))
    }

    /// Looks at the deadlines. The transport calls it when `clock.next` has passed, and arms its timer again.
    func checkDeadlines() {
        let now = loop.nowMilliseconds
        if clock.total <= now { return fail(.totalTimeout) }
        guard clock.idleDeadline <= now else { return }
        // Nothing can arrive while nothing is read.
        if machine.isPaused { return clock.recordActivity(at: now) }
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
            perform(machine.bodyRead())
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
