import CLLHTTP

/// What a parser calls of its owner, from within `HTTPParser.consume`.
package protocol HTTPParserDelegate: AnyObject {
    /// The head is complete.
    ///
    /// - Returns: whether a body may follow. `.none` is for the response to a `HEAD` request, which carries a
    ///   `Content-Length` but no body.
    func parser(_ parser: HTTPParser, received head: HTTPMessageHead) -> HTTPParser.BodyExpectation

    /// A piece of the body, with chunked framing removed. The bytes are valid during the call only.
    func parser(_ parser: HTTPParser, receivedBody bytes: UnsafeBufferPointer<UInt8>)

    /// The message is over; `consume` returns next. Interim (1xx) responses are messages too.
    ///
    /// - Parameter keepAlive: another message may follow on this connection.
    func parser(_ parser: HTTPParser, completedMessageWithKeepAlive keepAlive: Bool)
}

/// A strict HTTP/1.x parser for one direction of one connection: llhttp with every leniency off, plus the limits that
/// llhttp does not have. It stops at the end of each message, so that its owner decides when the next one is read.
///
/// Not thread-safe; lives where its connection lives.
package final class HTTPParser {
    package enum Mode: Sendable {
        case request, response
    }

    package enum BodyExpectation: Sendable {
        case asFramed, none
    }

    /// Sizes beyond which a message is refused.
    package struct Limits: Sendable {
        /// Start line, fields and trailers in bytes, line ends and separators included.
        package var headBytes = 16 * 1024
        /// The request target in bytes.
        package var targetBytes = 8 * 1024
        package var fieldCount = 100
        /// All chunk extensions of one message in bytes. They are read and ignored.
        package var chunkExtensionBytes = 1024

        package init() {}
    }

    /// How far `consume` came.
    package enum Outcome: Sendable {
        /// Everything was taken; the message goes on.
        case needsMore
        /// A message ended after so many of the bytes. Give the rest to the next call.
        case completed(consumed: Int)
        /// A response switched protocols after so many of the bytes; the rest is not HTTP.
        case upgraded(consumed: Int)
        /// No further call makes sense.
        case failed(HTTPParseError)
    }

    package let mode: Mode
    package let limits: Limits
    /// Set by the owner, which must outlive every call of `consume` and `finish`.
    package unowned(unsafe) var delegate: (any HTTPParserDelegate)?

    /// Some of a message was read, but not its end. Empty lines before a message do not count.
    package private(set) var isInsideMessage = false

    let parser: UnsafeMutablePointer<llhttp_t>
    var head = HTTPMessageHead()
    var headBytes = 0
    var extensionBytes = 0
    var sawProtocol = false
    var isInTrailers = false
    /// The pieces of the current target: a read may end within it.
    var target: [UInt8] = []
    var isInField = false
    var fieldCount = 0
    var failure: HTTPParseError?

    package init(_ mode: Mode, limits: Limits = Limits()) {
        self.mode = mode
        self.limits = limits
        parser = .allocate(capacity: 1)
        llhttp_init(parser, mode == .request ? HTTP_REQUEST : HTTP_RESPONSE, Self.settings)
        // Not retained: callbacks run only within methods of this object.
        parser.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit {
        parser.deallocate()
    }

    /// Parses until the bytes or the message end, whichever comes first.
    package func consume(_ bytes: UnsafeBufferPointer<UInt8>) -> Outcome {
        if let failure { return .failed(failure) }
        guard let start = bytes.baseAddress else { return .needsMore }
        let beganEarlier = isInsideMessage
        return start.withMemoryRebound(to: CChar.self, capacity: bytes.count) { start in
            let code = llhttp_execute(parser, start, bytes.count)
            switch code {
            case HPE_OK:
                return .needsMore
            case HPE_PAUSED:
                let position = llhttp_get_error_pos(parser)
                llhttp_resume(parser)
                return .completed(consumed: position.map { $0 - UnsafePointer(start) } ?? bytes.count)
            case HPE_PAUSED_UPGRADE:
                return .upgraded(
                    consumed: llhttp_get_error_pos(parser).map { $0 - UnsafePointer(start) } ?? bytes.count)
            default:
                return .failed(fail(code, beginning: beganEarlier ? nil : bytes))
            }
        }
    }

    /// The peer sends nothing more. A response whose body ends with the connection is completed by this.
    ///
    /// - Returns: `nil` when the peer stopped between messages or ended one by it.
    package func finish() -> HTTPParseError? {
        if let failure { return failure }
        guard isInsideMessage else { return nil }
        // Calls back with the completion when the body is one that ends with the connection.
        _ = llhttp_finish(parser)
        return isInsideMessage ? HTTPParseError(.truncated, "end of input within a message") : nil
    }

    func beginMessage() {
        isInsideMessage = true
        sawProtocol = false
        isInTrailers = false
        head = HTTPMessageHead()
        headBytes = 0
        extensionBytes = 0
        fieldCount = 0
        target.removeAll(keepingCapacity: true)
        isInField = false
    }

    func endMessage() {
        isInsideMessage = false
        delegate?.parser(self, completedMessageWithKeepAlive: llhttp_should_keep_alive(parser) == 1)
    }

    /// - Parameter bytes: those that the message began with; nil when they were of an earlier read, and then a letter
    /// stood first, or the message would have failed there.
    private func fail(_ code: llhttp_errno_t, beginning bytes: UnsafeBufferPointer<UInt8>?) -> HTTPParseError {
        let reason = Self.reason(parser)
        var kind = Self.kind(of: code, reason)
        // llhttp calls anything a method that stands first: a TLS hello, noise.
        if kind == .unknownMethod, let first = bytes?.first(where: { $0 != 0x0D && $0 != 0x0A }),
            !(0x41...0x5A ~= first)
        {
            kind = .malformed
        }
        let error = failure ?? HTTPParseError(kind, reason)
        failure = error
        return error
    }

    private static func kind(of code: llhttp_errno_t, _ reason: String) -> HTTPParseError.Kind {
        switch code {
        case HPE_PAUSED_H2_UPGRADE: .unsupportedVersion
        // llhttp uses the same code for what stands behind the version.
        case HPE_INVALID_VERSION: reason == "Invalid HTTP version" ? .unsupportedVersion : .malformed
        case HPE_INVALID_METHOD: .unknownMethod
        default: .malformed
        }
    }

    private static func reason(_ parser: UnsafeMutablePointer<llhttp_t>) -> String {
        llhttp_get_error_reason(parser).map { String(cString: $0) } ?? "unknown"
    }
}
