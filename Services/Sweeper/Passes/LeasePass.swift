import EventOutbox

/// Puts queue items back whose instance died, and drops those that expired.
struct LeasePass: SweepPass {
    /// Batches of one run: an instance that dies with all the calls it may have leaves no more than this behind.
    private static let rounds = 40

    let name = "leases"
    let interval: Duration = .seconds(1)
    let store: QueueRecoveryStore
    let relay: EventRelay

    func run() async throws -> [String: Int] {
        [
            "recovered": try await inBatches { try await store.recoverLeases() },
            "dropped": try await inBatches { try await store.dropExpired() },
        ]
    }

    private func inBatches(_ sweep: () async throws -> [CommittedEvent]) async throws -> Int {
        var count = 0
        for _ in 0..<Self.rounds {
            let events = try await sweep()
            relay.committed(events)
            count += events.count
            if events.count < QueueRecoveryStore.batch { break }
        }
        return count
    }
}
