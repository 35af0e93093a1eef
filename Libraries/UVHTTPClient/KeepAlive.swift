import HTTPCore

/// The `Keep-Alive: timeout=5` of servers that say how long they keep a connection.
enum KeepAlive {
    /// The announced time less a second, in which a request would cross the closing.
    static func milliseconds(in headers: HTTPHeaders) -> UInt64? {
        guard let value = headers["keep-alive"] else { return nil }
        for part in value.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " } }
            guard pair.count == 2, pair[0].lowercased() == "timeout", let seconds = UInt32(pair[1]) else { continue }
            return UInt64(seconds) * 1000 - min(1000, UInt64(seconds) * 1000)
        }
        return nil
    }
}
