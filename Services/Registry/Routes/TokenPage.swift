import Contracts
import HTTPCore
import PlatformInternals
import UVHTTPServer

/// The requested page of a list of tokens.
struct TokenPage: Sendable, Hashable {
    /// 50 rows by default, 200 at most.
    var limit = Limits.tokenPage
    var offset = 0

    /// - Throws: `APIError` 400 for an invalid number; a limit that is too large is clamped.
    init(_ request: Request) throws(APIError) {
        if let limit = try Self.number("limit", in: 1...Int.max, request) {
            self.limit = min(limit, Limits.tokenPageMaximum)
        }
        if let offset = try Self.number("offset", in: 0...Int.max, request) { self.offset = offset }
    }

    private static func number(
        _ name: String, in range: ClosedRange<Int>, _ request: Request
    ) throws(APIError) -> Int? {
        guard let text = request.query(name), !text.isEmpty else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw .invalidBody(field: name, reason: "must be a number of \(range.lowerBound) or more")
        }
        return number
    }
}
