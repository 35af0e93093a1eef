import JSONBytes

/// Whether the body of a message is marked as nobody's business but its parties': who only looks on as an operator reads
/// neither it nor its response, and no stream carries them.
package enum PrivateBody {
    private static let name = Array("private".utf8)
    private static let escape = Array(#"\u"#.utf8)

    /// `params.metadata.private` or `params.message.metadata.private`.
    package static func isMarked(_ body: [UInt8]) -> Bool {
        // Nearly none is: what does not have the word, in whatever spelling, need not be read.
        guard body.firstRange(of: name) != nil || body.firstRange(of: escape) != nil else { return false }
        guard let params = (try? JSONObject(validating: body))?.find("params") else { return false }
        return params.find("metadata", "private")?.bool == true
            || params.find("message", "metadata", "private")?.bool == true
    }
}
