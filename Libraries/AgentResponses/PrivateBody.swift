import JSONBytes

/// Whether the body of a message is marked as private to its sender and recipient: operators with the viewer role can
/// read neither it nor its response, and no event stream carries them.
package enum PrivateBody {
    private static let name = Array("private".utf8)
    private static let escape = Array(#"\u"#.utf8)

    /// `params.metadata.private` or `params.message.metadata.private`.
    package static func isMarked(_ body: [UInt8]) -> Bool {
        // Few are: a body that cannot contain the word, escaped or not, need not be parsed.
        guard body.firstRange(of: name) != nil || body.firstRange(of: escape) != nil else { return false }
        guard let params = (try? JSONObject(validating: body))?.find("params") else { return false }
        return params.find("metadata", "private")?.bool == true
            || params.find("message", "metadata", "private")?.bool == true
    }
}
