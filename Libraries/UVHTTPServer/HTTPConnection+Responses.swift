import Concurrency
import HTTPCore
import Observability
import UVLoop

/// From a response to its bytes.
extension HTTPConnection {
    private static let lastChunk = Array("0\r\n\r\n".utf8)

    /// Takes the response of a handler. Runs in the handler's task, on the loop.
    ///
    /// - Parameter number: of the request; the connection may be closed meanwhile.
    func deliver(_ response: Response, _ number: UInt64, _ context: RequestContext) async {
        record(response.status, context)
        guard machine.awaitsResponse(of: number) else { return }
        switch response.body {
        case .stream(let produce): await stream(response, length: nil, produce)
        case .sizedStream(let length, let produce): await stream(response, length: length, produce)
        case .detached(let take): detach(response, take)
        case .upgrade(let take):
            exchange.upgrade = (response, take)
            updateOutput()
            perform(machine.upgradeAccepted())
        case .empty: write(response, [])
        case .bytes(let bytes): write(response, bytes)
        }
    }

    /// Writes the response that the request has without a handler.
    func respond() {
        guard let response = exchange.response else { return }
        var body: [UInt8] = []
        if case .bytes(let bytes) = response.body { body = bytes }
        exchange.response = nil
        if let context = exchange.context { record(response.status, context) }
        write(response, body)
    }

    private func write(_ response: Response, _ body: [UInt8]) {
        let keepAlive = machine.beginResponse()
        let status = response.status.code
        let hasNoBody = status == 204 || status == 304 || status < 200
        appendHead(response, keepAlive, hasNoBody ? .none : .length(body.count))
        if !hasNoBody, exchange.head.method != .head { output.append(contentsOf: body) }
        if let object = response.retained { retained.append(object) }
        endResponse()
    }

    private func appendHead(_ response: Response, _ keepAlive: Bool, _ framing: ResponseHeadExtras.Framing) {
        guard let context = exchange.context else { return }
        let extras = ResponseHeadExtras(
            requestID: context.requestID, cors: exchange.fields.origin.map(shared.cors.headers),
            rateLimit: context.rateLimit.map { (shared.configuration.rateLimit, $0) }, isSecure: context.isSecure,
            keepAlive: keepAlive, isHTTP10: exchange.head.minorVersion == 0, framing: framing)
        server.withDateField { ResponseHead.append(response, extras, date: $0, to: &output) }
    }

    private func endResponse() {
        task = nil
        updateOutput()
        perform(machine.responseEnded())
    }

    /// Counts a response, whether or not its client is still there to read it.
    private func record(_ status: HTTPStatus, _ context: RequestContext) {
        let elapsed = MonotonicClock.nanoseconds - context.startedAt
        context.metrics?.record(status: status.code, nanoseconds: elapsed)
        guard shared.logger.level <= .debug else { return }
        var metadata = context.metadata
        metadata[.method] = .string(exchange.head.method.rawValue)
        metadata[.path] = .string(RequestTarget.path(of: exchange.head.target))
        metadata[.status] = .int(status.code)
        metadata[.peer] = .string(context.clientIP)
        metadata[.durationMilliseconds] = .double(Double(elapsed) / 1e6)
        shared.logger.debug("request", metadata)
    }

    // MARK: - Streamed responses

    private func stream(
        _ response: Response, length: Int?, _ produce: @Sendable (ResponseWriter) async throws -> Void
    ) async {
        guard let writer = beginStream(response, length: length) else { return }
        do {
            try await produce(writer)
            if !writer.isClosed, let left = writer.left, left > 0 { throw ResponseWriter.WrongLength(left: left) }
            endStream(writer)
        } catch {
            breakStream(writer, error)
        }
    }

    private func detach(_ response: Response, _ take: (ResponseWriter) -> Void) {
        guard let writer = beginStream(response, length: nil) else { return }
        exchange.isDetached = true
        task = nil
        take(writer)
        if machine.isDraining { writer.onShutdown?() }
    }

    /// - Returns: nil when the client has gone, or is to get no body.
    private func beginStream(_ response: Response, length: Int?) -> ResponseWriter? {
        let framing: ResponseWriter.Framing
        let hasBody: Bool
        updateOutput()
        switch machine.beginStream(hasLength: length != nil) {
        case .abandon(let actions):
            perform(actions)
            return nil
        case .write(.length, let body): (framing, hasBody) = (.length(length ?? 0), body)
        case .write(.chunked, let body): (framing, hasBody) = (.chunked, body)
        case .write(.untilClose, let body): (framing, hasBody) = (.untilClose, body)
        }
        appendHead(response, machine.keepsAlive, ResponseHeadExtras.Framing(framing))
        guard hasBody else {
            endResponse()
            return nil
        }
        let writer = ResponseWriter(
            connection: self, loop: loop, framing: framing, highWater: shared.configuration.writeHighWater)
        self.writer = writer
        // The head waits for the first piece of the body, until the next round of the loop.
        updateOutput()
        perform(machine.streamBegan())
        return writer
    }

    /// Writes framed bytes of the body.
    func writeBody(_ bytes: [UInt8]) {
        guard machine.phase == .streaming else { return }
        if output.isEmpty {
            stream.write(bytes)
        } else {
            output.append(contentsOf: bytes)
            flush()
        }
        perform(machine.streamWritten(unwritten: stream.pendingWriteBytes))
    }

    func endStream(_ writer: ResponseWriter) {
        guard writer === self.writer else { return }
        self.writer = nil
        writer.close()
        guard machine.phase == .streaming else { return }
        if writer.framing == .chunked { output.append(contentsOf: Self.lastChunk) }
        endResponse()
    }

    /// Without the last chunk the client sees that the body is not whole.
    func breakStream(_ writer: ResponseWriter, _ error: any Error) {
        guard writer === self.writer else { return }
        self.writer = nil
        writer.close()
        if let context = exchange.context {
            var metadata = context.metadata
            metadata[.error] = .error(error)
            shared.logger.warning("response broken off", metadata)
        }
        perform(machine.streamBroken())
    }
}

extension ResponseHeadExtras.Framing {
    fileprivate init(_ framing: ResponseWriter.Framing) {
        switch framing {
        case .length(let count): self = .length(count)
        case .chunked: self = .chunked
        case .untilClose: self = .untilClose
        }
    }
}
