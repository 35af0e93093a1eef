/// Why the platform did not do what it was asked.
public struct PlatformError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure, by what can be done about them.
    public enum Kind: Sendable, Hashable {
        /// No answer: it is down, the network is, or it took too long.
        case unreachable
        /// It answered, and the answer is no.
        case refused
        /// It answered something that is not what it promises to answer.
        case unexpectedAnswer
        /// Nothing was sent, because what was asked for cannot be sent: a missing file, a bad address.
        case invalidRequest
    }

    /// What kind of failure this is.
    public let kind: Kind
    /// The answer's status; nil without one.
    public let status: Int?
    /// The platform may have done it although we do not know: the answer was lost, or did not come in time.
    public let mayHaveArrived: Bool
    /// What the platform said, or what went wrong.
    public let detail: String

    init(_ kind: Kind, status: Int? = nil, mayHaveArrived: Bool = false, detail: String) {
        self.kind = kind
        self.status = status
        self.mayHaveArrived = mayHaveArrived
        self.detail = detail
    }

    /// Whether the same request may succeed later.
    public var isRetryable: Bool {
        switch kind {
        case .unreachable: true
        case .refused: status == 429 || (status ?? 0) >= 500
        case .unexpectedAnswer, .invalidRequest: false
        }
    }

    /// The kind, the status and the detail in one line.
    public var description: String {
        "\(kind)\(status.map { " (\($0))" } ?? ""): \(detail)"
    }
}
