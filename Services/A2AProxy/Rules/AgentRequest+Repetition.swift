import JSONBytes

extension AgentRequest {
    /// Whether a request repeats another one: the same method with the same `params`, which include the context. The
    /// JSON-RPC `id` is not compared, since clients generate a new one for a retry, and neither is the JSON formatting.
    ///
    /// - Parameters: both are well-formed requests with the same `messageId`.
    package static func isRepetition(_ sent: [UInt8], of stored: [UInt8]) -> Bool {
        guard let sent = try? JSONSlice(validating: sent), let stored = try? JSONSlice(validating: stored) else {
            return sent == stored
        }
        return isSame(sent.find("method"), stored.find("method")) && isSame(sent.find("params"), stored.find("params"))
    }

    private static func isSame(_ one: JSONSlice?, _ other: JSONSlice?) -> Bool {
        guard let one, let other else { return one == nil && other == nil }
        return one.bytes.elementsEqual(other.bytes) || one.contentDigest == other.contentDigest
    }
}
