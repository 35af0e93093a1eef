import JSONBytes

extension A2AMessage {
    /// Whether a request says what another one said: the same method with the same `params`, in which the context is. The
    /// JSON-RPC `id` is not compared, since clients that try again make a new one, and neither is how the JSON is written.
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
