import EventOutbox

/// Requeues items whose lease expired with their instance, and drops expired items.
struct LeasePass: SweepPass {
    /// Batches of one run: enough for all the calls that one instance may have in flight.
    private static let rounds = 40

    let name = "leases"
    let interval: Duration = .seconds(1)
    let store: ExpiredLeaseStore
    let relay: EventRelay

    func run() async throws -> [String: Int] {
        // An error in one half must not stop the other.
        let recovered = await result(of: { try await store.recoverLeases() })
        let dropped = await result(of: { try await store.dropExpired() })
        return ["recovered": try recovered.get(), "dropped": try dropped.get()]
    }

    private func result(of sweep: () async throws -> [CommittedEvent]) async -> Result<Int, any Error> {
        do { return .success(try await inBatches(sweep)) } catch { return .failure(error) }
    }

    private func inBatches(_ sweep: () async throws -> [CommittedEvent]) async throws -> Int {
        var count = 0
        for _ in 0..<Self.rounds {
            let events = try await sweep()
            relay.committed(events)
            count += events.count
            if events.count < ExpiredLeaseStore.batch { break }
        }
        return count
    }
}
