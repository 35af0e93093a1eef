import HTTPCore
import UVLoop

/// A plain HTTP/1.1 connection, which carries one call after another. Loop thread only.
///
/// The stream's callbacks keep the connection alive until `close`, and every connection is closed in the end: by its
/// peer, by its age or by a failing call.
final class ClientConnection {
    /// More interim responses than this to one request are treated as abuse.
    private static let maxInterimResponses = 16
    /// Up to this size a body travels in the same write as its head: copying is cheaper than a second call.
    private static let coalescedBodyBytes = 64 * 1024

    let host: HostConnections
    let stream: TCPStream
    private let parser: HTTPParser
    private var timer: LoopTimer?
    /// When the timer will fire; deadlines that move back do not touch it.
    private var armedFor: UInt64 = .max

    private var call: HTTPCall?
    private var upload: RequestUpload?
    private var hasServed = false
    private var hasResponseBytes = false
    private var isInterim = false
    private var interimResponses = 0
    private var switchesProtocol = false
    /// The final response has ended.
    private var isResponseComplete = false
    private var keepsAlive = false
    private var isReading = true
    /// When the connection has been without a call for too long.
    private var idleDeadline: UInt64 = .max
    private(set) var isClosed = false

    private var loop: EventLoop { stream.loop }

    init(stream: TCPStream, host: HostConnections) {
        self.stream = stream
        self.host = host
        var limits = HTTPParser.Limits()
        limits.headBytes = host.shard.configuration.maxHeaderBytes
        limits.fieldCount = host.shard.configuration.maxHeaderFields
        parser = HTTPParser(.response, limits: limits)
        parser.delegate = self
        timer = stream.loop.makeTimer { [unowned self] in timerFired() }
        stream.onRead = { self.received($0) }
        stream.onEnd = { self.ended($0) }
        stream.startReading()
    }

    // MARK: - A call

    /// Sends the call's request. The connection must be without a call.
    func carry(_ call: HTTPCall) {
        let framing = RequestHead.framing(of: call.request)
        var body: [UInt8] = []
        if case .bytes(let bytes) = call.request.body { body = bytes }
        let isCoalesced = body.count <= Self.coalescedBodyBytes
        guard
            var bytes = RequestHead.bytes(
                of: call.wasRetried ? call.request.sentAgain : call.request, framing: framing,
                extra: isCoalesced ? body.count : 0)
        else {
            // In a later round: the next waiting call may be as wrong, and so may thousands after it.
            loop.post { self.host.release(self) }
            return call.fail(.invalidRequest, "a character that cannot stand in a request's head")
        }
        self.call = call
        call.transport = self
        call.requestBytesWritten = true
        hasResponseBytes = false
        isResponseComplete = false
        interimResponses = 0
        call.clock.recordActivity(at: loop.nowMilliseconds)
        rearm()
        if isCoalesced { bytes.append(contentsOf: body) }
        stream.write(bytes)
        if !isCoalesced { stream.write(body) }
        if case .stream(let source) = call.request.body {
            upload = RequestUpload(source, framing: framing, stream: stream, call: call)
            upload?.start()
        }
    }

    private func detach() -> HTTPCall? {
        defer { call = nil }
        call?.transport = nil
        return call
    }

    private func received(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let call else {
            host.disableReuse()
            return close()
        }
        call.clock.recordActivity(at: loop.nowMilliseconds)
        hasResponseBytes = true
        var rest = bytes
        while true {
            let outcome = parser.consume(rest)
            // The call may have failed meanwhile, for instance because its response is too large.
            guard !isClosed else { return }
            switch outcome {
            case .needsMore:
                return call.flush()
            case .completed where switchesProtocol, .upgraded:
                return end(.malformed, "the peer switched to another protocol")
            case .completed(let count) where isInterim:
                isInterim = false
                interimResponses += 1
                if interimResponses > Self.maxInterimResponses { return end(.malformed, "too many interim responses") }
                rest = UnsafeBufferPointer(rebasing: rest[count...])
                if rest.isEmpty { return }
            case .completed(let count):
                if count < rest.count { host.disableReuse() }
                return finishCall(isReusable: keepsAlive && count == rest.count)
            case .failed(let error):
                return end(error.kind == .headTooLarge ? .tooLarge : .malformed, error.detail)
            }
        }
    }

    private func finishCall(isReusable: Bool) {
        // A peer that responded without reading may never read the rest, and the next request would wait behind it.
        let hasSentAll = (upload?.isComplete ?? true) && stream.pendingWriteBytes == 0
        upload?.stop()
        upload = nil
        hasServed = true
        let call = detach()
        if !isReading { setReading(true) }
        if isReusable, hasSentAll { host.release(self) } else { close() }
        call?.complete()
    }

    /// The connection is of no use any more; its call fails.
    private func end(_ kind: HTTPClientError.Kind, _ detail: String) {
        let call = detach()
        close()
        call?.fail(kind, detail)
    }

    private func ended(_ error: TCPError?) {
        guard let call else { return close() }
        if hasServed, !hasResponseBytes, call.canRetry {
            upload?.stop()
            upload = nil
            _ = detach()
            // Before the close, which would give the connection's slot to a call that waits.
            host.retry(call, insteadOf: self)
            return
        }
        if error == nil, hasResponseBytes, parser.finish() == nil, isResponseComplete {
            return finishCall(isReusable: false)
        }
        if let error { end(.reset, error.description) } else { end(.endOfFile, "closed before the response's end") }
    }

    // MARK: - Rest

    /// The pool took the connection back: it may be used until the deadline.
    func rest(until deadline: UInt64) {
        idleDeadline = deadline
        rearm()
    }

    /// Milliseconds for which the peer said that it keeps the connection, at its last response.
    private(set) var announcedTTL: UInt64?

    private func timerFired() {
        armedFor = .max
        if let call {
            call.checkDeadlines()
        } else if idleDeadline <= loop.nowMilliseconds {
            return close()
        }
        if !isClosed { rearm() }
    }

    /// Ends the connection; a call that it carries is left alone.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        upload?.stop()
        upload = nil
        stream.close()
        timer?.close()
        timer = nil
        host.closed(self)
    }
}

extension ClientConnection: CallTransport {
    func abort() {
        call = nil
        close()
    }

    func setReading(_ reading: Bool) {
        isReading = reading
        if reading { stream.startReading() } else { stream.stopReading() }
    }

    func rearm() {
        let due = call?.clock.next ?? idleDeadline
        guard due < armedFor else { return }
        let now = loop.nowMilliseconds
        armedFor = due
        timer?.start(after: .milliseconds(due > now ? due - now : 1))
    }
}

extension ClientConnection: HTTPParserDelegate {
    func parser(_ parser: HTTPParser, received head: HTTPMessageHead) -> HTTPParser.BodyExpectation {
        isInterim = head.status.code < 200
        switchesProtocol = head.status.code == 101
        isResponseComplete = false
        guard !isInterim else { return .asFramed }
        announcedTTL = KeepAlive.milliseconds(in: head.headers)
        call?.received(head)
        return call?.request.method == .head ? .none : .asFramed
    }

    func parser(_ parser: HTTPParser, receivedBody bytes: UnsafeBufferPointer<UInt8>) {
        call?.received(body: bytes)
    }

    func parser(_ parser: HTTPParser, completedMessageWithKeepAlive keepAlive: Bool) {
        keepsAlive = keepAlive
        isResponseComplete = !isInterim
    }
}
