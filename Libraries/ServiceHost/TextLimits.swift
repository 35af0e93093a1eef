import Contracts
import HTTPCore
import PlatformInternals
import UVHTTPServer

extension APIError {
    /// Refuses a text that is longer than may be stored.
    ///
    /// - Parameters:
    ///   - field: the member, as the request spells it.
    ///   - limit: Unicode scalars.
    ///   - message: the error message, where the route has one of its own.
    /// - Throws: 400 with `field` and `limit`.
    package static func check(
        _ field: String, _ text: String?, upTo limit: Int, orError message: String = ErrorMessage.invalidRequestBody
    ) throws(APIError) {
        guard let text, text.isLonger(than: limit) else { return }
        throw tooLong(field, limit, "characters", orError: message)
    }

    /// As ``check(_:_:upTo:orError:)``, for what is stored as received bytes.
    package static func check(
        _ field: String, bytes count: Int, upTo limit: Int, orError message: String = ErrorMessage.invalidRequestBody
    ) throws(APIError) {
        if count > limit { throw tooLong(field, limit, "bytes", orError: message) }
    }

    private static func tooLong(
        _ field: String, _ limit: Int, _ unit: String, orError message: String
    ) -> APIError {
        APIError(
            .badRequest, message, field: field, reason: "must have \(limit) \(unit) at most",
            members: [("limit", .int(limit))])
    }
}
