import Contracts
import HTTPCore
import HTTPServer

extension APIError {
    /// Refuses a text that is longer than may be kept.
    ///
    /// - Parameters:
    ///   - field: the member, as the request spells it.
    ///   - limit: Unicode scalars.
    ///   - sentence: where the route has one of its own.
    /// - Throws: 400 with `field` and `limit`.
    package static func check(
        _ field: String, _ text: String?, upTo limit: Int, orError sentence: String = Sentence.invalidRequestBody
    ) throws(APIError) {
        guard let text, text.isLonger(than: limit) else { return }
        throw tooLong(field, limit, "characters", orError: sentence)
    }

    /// As ``check(_:_:upTo:orError:)``, for what is kept as the bytes that came.
    package static func check(
        _ field: String, bytes count: Int, upTo limit: Int, orError sentence: String = Sentence.invalidRequestBody
    ) throws(APIError) {
        if count > limit { throw tooLong(field, limit, "bytes", orError: sentence) }
    }

    private static func tooLong(
        _ field: String, _ limit: Int, _ unit: String, orError sentence: String
    ) -> APIError {
        APIError(
            .badRequest, sentence, field: field, reason: "must have \(limit) \(unit) at most",
            members: [("limit", .int(limit))])
    }
}
