import Foundation
import Observability
import Provisioning

/// Removes the leftovers of removed workspaces, and after some time containers and volumes without any row.
struct OrphanPass: SweepPass {
    /// Concurrent calls to the engine.
    private static let concurrency = 4

    let name = "orphans"
    let interval: Duration = .seconds(60)
    let provisioner: any Provisioner
    let store: OrphanStore
    let leases: LeaseStore
    /// Called when there are new jobs.
    let wake: @Sendable () -> Void
    /// Seconds for which volumes without a row are kept; `nil` for ever.
    let retention: TimeInterval?
    /// The number of orphans by kind.
    let gauges: MetricFamily<Gauge>
    let logger: Logger

    func run() async throws -> [String: Int] {
        try await leases.holding(name) { try await sweep() } ?? [:]
    }

    /// The two parts are independent: an error in one must not stop the other.
    private func sweep() async throws -> [String: Int] {
        // The list comes first: everything in it has had its row by the time that rows are looked up.
        let found = try await provisioner.listManaged()
        let findings = OrphanRule.findings(found, known: try await store.known(OrphanRule.names(in: found)))
        var counts: [String: Int] = [:]
        var failure: (any Error)?
        do {
            let removals = try await store.remove(findings.removed)
            counts["removals"] = removals
            if removals > 0 { wake() }
        } catch { failure = error }
        do {
            counts.merge(try await sweepUnknown(findings)) { $1 }
        } catch { failure = failure ?? error }
        if let failure { throw failure }
        return counts
    }

    // MARK: - Without a row

    private func sweepUnknown(_ findings: OrphanRule.Findings) async throws -> [String: Int] {
        for kind in [ManagedWorkspace.Kind.container, .volume] {
            gauges.labelled(kind.rawValue).set(Double(findings.orphans.count { $0.kind == kind }))
        }
        if OrphanRule.isSuspicious(findings) {
            logger.error(
                "most containers and volumes of this platform have no workspace: is this its database?",
                [.count: .int(findings.orphans.count), .limit: .int(findings.living)])
        }
        let (sightings, now) = try await store.recordSightings(findings.orphans)
        let actions = OrphanRule.actions(sightings, now: now, retention: retention)
        let stops = try await each(actions.stop) { name in
            try await provisioner.stop(name)
            logger.warning("container without a workspace stopped", [.name: .string(name.container)])
        }
        let removals = try await each(actions.removeVolume) { name in
            try await provisioner.removeVolume(name)
            logger.warning("volume without a workspace removed", [.name: .string(name.volume)])
        }
        return [
            "stopped": stops.done, "volumes": removals.done, "failed": stops.failed + removals.failed,
        ]
    }

    /// Applies `act` to each name, with limited concurrency. Failures are retried at the next pass.
    private func each(
        _ names: [WorkspaceName], _ act: @escaping @Sendable (WorkspaceName) async throws -> Void
    ) async throws -> (done: Int, failed: Int) {
        try await withThrowingTaskGroup(of: Bool?.self) { group in
            var rest = names.makeIterator()
            for _ in 0..<Self.concurrency {
                if let name = rest.next() { group.addTask { try await once(name, act) } }
            }
            var (done, failed) = (0, 0)
            while let outcome = try await group.next() {
                if outcome == true { done += 1 }
                if outcome == false { failed += 1 }
                if let name = rest.next() { group.addTask { try await once(name, act) } }
            }
            return (done, failed)
        }
    }

    /// - Returns: whether it succeeded; `nil` when a row exists by now, which is checked again since earlier calls may
    ///   be slow.
    private func once(
        _ name: WorkspaceName, _ act: @Sendable (WorkspaceName) async throws -> Void
    ) async throws -> Bool? {
        guard try await store.known([name])[name] == nil else { return nil }
        do {
            try await act(name)
            return true
        } catch {
            logger.warning(
                "container or volume without a workspace could not be removed",
                [.name: .string(name.container), .error: .error(error)])
            return false
        }
    }
}
