import HTTPCore

/// Messages of one connection, read whole and in pieces.
///
/// An input's first byte chooses between requests and responses, and whether bodies may follow; the next says how many
/// lengths of pieces follow it, each a byte. The rest is what the connection carries.
enum HTTPMessages {
    static func judge(_ input: [UInt8]) throws {
        guard input.count > 2 else { return }
        let mode: HTTPParser.Mode = input[0] & 1 == 0 ? .request : .response
        let expectation: HTTPParser.BodyExpectation = input[0] & 2 == 0 ? .asFramed : .none
        let rest = input.dropFirst(2)
        let lengths = rest.prefix(Int(input[1] & 7)).map { max(1, Int($0)) }
        let bytes = Array(rest.dropFirst(lengths.count))

        let whole = Reading(bytes, lengths: [], mode, expectation)
        try whole.keepsLimits()
        for lengths in [lengths, [1]] {
            let pieces = Reading(bytes, lengths: lengths, mode, expectation)
            try pieces.keepsLimits()
            try require(pieces.isSame(as: whole), "in pieces of \(lengths):\n\(pieces)\nbut whole:\n\(whole)")
        }
    }
}

/// What a parser makes of a connection's bytes.
private final class Reading: HTTPParserDelegate, CustomStringConvertible {
    struct Message: Equatable {
        let head: HTTPMessageHead
        var body: [UInt8] = []
        var keepAlive: Bool?

        static func == (left: Message, right: Message) -> Bool {
            left.body == right.body && left.keepAlive == right.keepAlive
                && String(describing: left.head) == String(describing: right.head)
        }
    }

    private static let limits = {
        var limits = HTTPParser.Limits()
        // Low, so that short inputs reach them.
        (limits.headBytes, limits.targetBytes, limits.fieldCount, limits.chunkExtensionBytes) = (512, 64, 8, 16)
        return limits
    }()

    private let expectation: HTTPParser.BodyExpectation
    private var messages: [Message] = []
    private var error: HTTPParseError?
    /// Bytes that were taken, up to an error's piece or a switch of protocols.
    private var taken = 0
    private var violation: Violation?

    init(
        _ bytes: [UInt8], lengths: [Int], _ mode: HTTPParser.Mode, _ expectation: HTTPParser.BodyExpectation
    ) {
        self.expectation = expectation
        let parser = HTTPParser(mode, limits: Self.limits)
        parser.delegate = self
        withExtendedLifetime(self) { read(bytes, lengths, parser) }
    }

    private func read(_ bytes: [UInt8], _ lengths: [Int], _ parser: HTTPParser) {
        var piece = 0
        while taken < bytes.count {
            let end = lengths.isEmpty ? bytes.count : min(bytes.count, taken + lengths[piece % lengths.count])
            piece += 1
            switch bytes[taken..<end].withUnsafeBufferPointer({ parser.consume($0) }) {
            case .needsMore: taken = end
            case .completed(let consumed):
                if consumed == 0 || consumed > end - taken {
                    violation = Violation("a message took \(consumed) of \(end - taken)")
                    return
                }
                taken += consumed
            case .upgraded(let consumed):
                taken += consumed
                return
            case .failed(let error):
                self.error = error
                if case .failed = [1].withUnsafeBufferPointer({ parser.consume($0) }) { return }
                violation = Violation("a failed parser goes on")
                return
            }
        }
        error = parser.finish()
    }

    func parser(_ parser: HTTPParser, received head: HTTPMessageHead) -> HTTPParser.BodyExpectation {
        messages.append(Message(head: head))
        return expectation
    }

    func parser(_ parser: HTTPParser, receivedBody bytes: UnsafeBufferPointer<UInt8>) {
        messages[messages.count - 1].body += bytes
    }

    func parser(_ parser: HTTPParser, completedMessageWithKeepAlive keepAlive: Bool) {
        messages[messages.count - 1].keepAlive = keepAlive
    }

    func keepsLimits() throws {
        if let violation { throw violation }
        for message in messages {
            let head = message.head
            try require(head.target.utf8.count <= Self.limits.targetBytes * 3, "too long a target: \(head)")
            try require(head.headers.count <= Self.limits.fieldCount, "too many fields: \(head)")
            try require(!(head.isChunked && head.contentLength != nil), "two lengths: \(head)")
            guard message.keepAlive != nil, let length = head.contentLength, expectation == .asFramed,
                !message.body.isEmpty
            else { continue }
            try require(UInt64(message.body.count) == length, "\(message.body.count) bytes of body: \(head)")
        }
    }

    /// Where several things are wrong with a message, which of them is met first may depend on the pieces: a limit is
    /// seen when a piece ends, before what stands behind it.
    func isSame(as other: Reading) -> Bool {
        guard let error, let otherError = other.error else {
            return messages == other.messages && error == other.error && taken == other.taken
        }
        let completed = messages.filter { $0.keepAlive != nil }
        return completed == other.messages.filter { $0.keepAlive != nil }
            && (error.kind == otherError.kind || error.kind.isLimit || otherError.kind.isLimit)
    }

    var description: String { "\(messages)\nerror: \(String(describing: error)), taken: \(taken)" }
}

extension HTTPParseError.Kind {
    fileprivate var isLimit: Bool { self == .targetTooLong || self == .headTooLarge }
}
