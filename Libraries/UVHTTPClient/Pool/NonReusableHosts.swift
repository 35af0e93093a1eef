/// Hosts that sent unsolicited bytes. On a connection to such a host the next response could be taken for another
/// call's, so that each call gets a connection of its own for a while.
///
/// That a connection without a call brings bytes is seen before it is used again only if they come in time: the first
/// surplus response of a host may still be taken for the next one, as with every HTTP/1.1 client.
struct NonReusableHosts {
    private static let milliseconds: UInt64 = 600_000
    private static let limit = 1024

    private var until: [PoolKey: UInt64] = [:]

    mutating func add(_ key: PoolKey, now: UInt64) {
        if until.count >= Self.limit {
            until = until.filter { $0.value > now }
            if until.count >= Self.limit, let oldest = until.min(by: { $0.value < $1.value }) {
                until[oldest.key] = nil
            }
        }
        until[key] = now + Self.milliseconds
    }

    func contains(_ key: PoolKey, now: UInt64) -> Bool {
        guard !until.isEmpty, let end = until[key] else { return false }
        return end > now
    }
}
