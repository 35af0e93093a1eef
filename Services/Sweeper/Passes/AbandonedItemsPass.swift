import EventOutbox

/// Drops queue items of removed workspaces: items that were in flight, or enqueued, during the removal, and whose queue
/// is drained no more.
struct AbandonedItemsPass: SweepPass {
    let name = "abandoned-items"
    let interval: Duration = .seconds(10)
    let store: ExpiredLeaseStore
    let relay: EventRelay

    func run() async throws -> [String: Int] {
        let dropped = try await store.dropAbandoned()
        relay.committed(dropped)
        return ["dropped": dropped.count]
    }
}
