import EventOutbox

/// Puts queue items back whose instance died, and drops those that expired.
struct LeasePass: SweepPass {
    let name = "leases"
    let interval: Duration = .seconds(1)
    let store: QueueRecoveryStore
    let relay: EventRelay

    func run() async throws -> [String: Int] {
        let recovered = try await store.recoverLeases()
        relay.committed(recovered)
        let dropped = try await store.dropExpired()
        relay.committed(dropped)
        return ["recovered": recovered.count, "dropped": dropped.count]
    }
}
