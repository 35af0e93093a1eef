import EventOutbox

/// Drops queue items whose workspace is gone: they were on their way, or accepted, while it was removed, and nobody drains
/// its queue any more.
struct AbandonedItemsPass: SweepPass {
    let name = "abandoned-items"
    let interval: Duration = .seconds(10)
    let store: QueueRecoveryStore
    let relay: EventRelay

    func run() async throws -> [String: Int] {
        let dropped = try await store.dropAbandoned()
        relay.committed(dropped)
        return ["dropped": dropped.count]
    }
}
