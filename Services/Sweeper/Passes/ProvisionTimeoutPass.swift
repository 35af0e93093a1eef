import Contracts
import EventOutbox
import Observability
import Templates

/// Fails workspaces that do not come online in time.
struct ProvisionTimeoutPass: SweepPass {
    /// Batches of one run.
    private static let rounds = 20

    let name = "provision-timeout"
    let interval: Duration = .seconds(30)
    /// The operator's timeout for all runtimes, in seconds.
    let override: Int?
    let templates: TemplateCatalog
    let store: ProvisionTimeoutStore
    let relay: EventRelay
    let logger: Logger

    func run() async throws -> [String: Int] {
        let declared = override == nil ? await templates.provisionTimeouts() : [:]
        let timeouts = ProvisionTimeouts(override: override, declared: declared)
        var failed = 0
        for _ in 0..<Self.rounds {
            let events = try await store.fail(timeouts)
            relay.committed(events)
            failed += events.count
            for id in events.compactMap(\.event.subject) {
                logger.warning("workspace did not come online in time", [.workspaceID: .uuid(id)])
            }
            if events.count < ProvisionTimeoutStore.batch { break }
        }
        return ["failed": failed]
    }
}
