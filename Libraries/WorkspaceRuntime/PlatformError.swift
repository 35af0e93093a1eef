/// A failed call to the platform.
public struct PlatformError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure, by how to handle them.
    public enum Kind: Sendable, Hashable {
        /// No response: the platform or the network is down, or the call timed out.
        case unreachable
        /// The response is an error.
        case refused
        /// The response does not follow the contract.
        case unexpectedResponse
        /// Nothing was sent, because the request is not valid: a missing file, a bad address.
        case invalidRequest
    }

    /// The kind of failure.
    public let kind: Kind
    /// The response's status; nil without one.
    public let status: Int?
    /// Whether the request may have been executed: the response was lost, or did not arrive in time.
    public let mayHaveArrived: Bool
    /// The platform's error message, or a description of the failure.
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
        case .unexpectedResponse, .invalidRequest: false
        }
    }

    /// The kind, the status and the detail in one line.
    public var description: String {
        "\(kind)\(status.map { " (\($0))" } ?? ""): \(detail)"
    }
}
