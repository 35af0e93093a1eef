import EventOutbox
import Observability

/// Takes workspaces offline that gave no sign of life, as far as the guard lets it.
struct LivenessPass: SweepPass {
    let scope: LivenessScope
    let interval: Duration
    /// Seconds without a sign of life.
    let ttl: Double
    let store: LivenessStore
    let relay: EventRelay
    let guardGauge: Gauge
    let logger: Logger

    var name: String { scope == .ours ? "liveness" : "remote-liveness" }

    func run() async throws -> [String: Int] {
        guard let outcome = try await store.sweep(scope, ttl: ttl) else { return [:] }
        relay.committed(outcome.events)
        guardGauge.set(outcome.held == nil ? 0 : 1)
        if let held = outcome.held {
            logger.warning(
                "many workspaces look dead at once, holding back",
                [.name: .string(name), .reason: .string(held.rawValue)])
        }
        return ["offline": outcome.offline]
    }
}
