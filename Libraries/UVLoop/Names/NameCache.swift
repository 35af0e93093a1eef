/// What was found out about names, until it expires: a value without a clock of its own.
struct NameCache {
    private struct Entry {
        let result: Result<[SocketAddress], ResolveError>
        let expiry: UInt64
    }

    private let capacity: Int
    private var entries: [String: Entry] = [:]

    /// - Parameter capacity: names at most.
    init(capacity: Int) {
        self.capacity = capacity
    }

    /// - Parameter now: in the milliseconds in which the expiry was given.
    mutating func result(for host: String, now: UInt64) -> Result<[SocketAddress], ResolveError>? {
        guard let entry = entries[host] else { return nil }
        if entry.expiry > now { return entry.result }
        entries[host] = nil
        return nil
    }

    mutating func insert(
        _ result: Result<[SocketAddress], ResolveError>, for host: String, until expiry: UInt64, now: UInt64
    ) {
        guard expiry > now else { return entries[host] = nil }
        if entries.count >= capacity, entries[host] == nil { evict(now: now) }
        entries[host] = Entry(result: result, expiry: expiry)
    }

    mutating func removeAll() {
        entries = [:]
    }

    private mutating func evict(now: UInt64) {
        entries = entries.filter { $0.value.expiry > now }
        guard entries.count >= capacity else { return }
        if let next = entries.min(by: { $0.value.expiry < $1.value.expiry }) { entries[next.key] = nil }
    }
}
