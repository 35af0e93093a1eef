import Foundation
import Provisioning

/// Which containers and volumes without an existing workspace are removed.
///
/// There are two independent cases. The leftovers of a removed workspace are removed. Those without any row may be the
/// sign of an empty, old or wrong database; so they are removed only after some time, and volumes after a long time.
/// Both cases need the platform's labels: a name has only twelve characters of the id, and another platform on the same
/// engine may use it as well, for instance with a copy of this database.
package enum OrphanRule {
    /// The rows and jobs of the workspaces whose ids have the prefix in a container's name.
    package struct WorkspaceRecords: Sendable, Hashable {
        /// The workspaces that are removed.
        package var removed: [UUID] = []
        package var hasLiving = false
        /// Whether a job starts, stops or removes one of them, with or without a row.
        package var hasJob = false

        package init(removed: [UUID] = [], hasLiving: Bool = false, hasJob: Bool = false) {
            self.removed = removed
            self.hasLiving = hasLiving
            self.hasJob = hasJob
        }
    }

    /// A container or volume with the platform's labels and without a row.
    package struct Orphan: Sendable, Hashable {
        package let kind: ManagedWorkspace.Kind
        package let workspace: WorkspaceName

        package init(_ kind: ManagedWorkspace.Kind, _ workspace: WorkspaceName) {
            self.kind = kind
            self.workspace = workspace
        }
    }

    package struct Findings: Sendable, Hashable {
        /// Removed workspaces with leftovers, one for each name.
        package var removed: [UUID] = []
        package var orphans: [Orphan] = []
        /// The number of labelled names of existing workspaces.
        package var living = 0

        package init(removed: [UUID] = [], orphans: [Orphan] = [], living: Int = 0) {
            self.removed = removed
            self.orphans = orphans
            self.living = living
        }
    }

    /// The labelled names that can be the prefix of an id: only these are looked up.
    package static func names(in found: [ManagedWorkspace]) -> [WorkspaceName] {
        Set(found.lazy.filter(\.belongsToInstance).compactMap(\.workspace).filter { $0.ids != nil }).sorted {
            $0.prefix < $1.prefix
        }
    }

    /// - Parameter known: by name; a name without an entry has neither row nor job.
    package static func findings(
        _ found: [ManagedWorkspace], known: [WorkspaceName: WorkspaceRecords]
    ) -> Findings {
        // With or without labels: a volume's retention begins when no container can use it any more.
        let containers = Set(found.lazy.filter { $0.kind == .container }.map(\.idPrefix))
        let labelled = Set(
            found.lazy.filter(\.belongsToInstance).compactMap { entry in entry.workspace.map { Orphan(entry.kind, $0) }
            })
        // A removal is by name, and would also remove an unlabelled container or volume.
        let unlabelled = Set(found.lazy.filter { !$0.belongsToInstance }.map(\.idPrefix))
        var findings = Findings()
        for name in names(in: found) {
            let known = known[name] ?? WorkspaceRecords()
            if known.hasLiving {
                findings.living += 1
            } else if known.hasJob {
                continue
            } else if let removed = known.removed.min(by: { $0.uuidString < $1.uuidString }) {
                if !unlabelled.contains(name.prefix) { findings.removed.append(removed) }
            } else if labelled.contains(Orphan(.container, name)) {
                findings.orphans.append(Orphan(.container, name))
            } else if !containers.contains(name.prefix) {
                findings.orphans.append(Orphan(.volume, name))
            }
        }
        return findings
    }

    // MARK: - Without a row

    /// An orphan, and since when it has been seen without interruption.
    package struct Sighting: Sendable, Hashable {
        package let orphan: Orphan
        package let since: Date

        package init(_ orphan: Orphan, since: Date) {
            self.orphan = orphan
            self.since = since
        }
    }

    package struct Actions: Sendable, Hashable {
        package var stop: [WorkspaceName] = []
        package var removeVolume: [WorkspaceName] = []

        package init(stop: [WorkspaceName] = [], removeVolume: [WorkspaceName] = []) {
            self.stop = stop
            self.removeVolume = removeVolume
        }
    }

    /// The minimum age of an orphaned container, in seconds, so that at least two passes have seen it.
    package static let containerAge: TimeInterval = 120
    /// The maximum gap between sightings, in seconds: after a longer one the age begins anew, since no pass ran in
    /// between, and the database may have been another one.
    package static let longestGap: TimeInterval = 600
    /// Containers stopped in one pass, and volumes removed.
    package static let limit = 20

    /// The orphans to remove now.
    ///
    /// - Parameters:
    ///   - sightings: of all orphans of this pass.
    ///   - retention: seconds for which volumes are kept; `nil` for ever.
    package static func actions(_ sightings: [Sighting], now: Date, retention: TimeInterval?) -> Actions {
        let oldestFirst = sightings.sorted {
            ($0.since, $0.orphan.workspace.prefix) < ($1.since, $1.orphan.workspace.prefix)
        }
        func due(_ kind: ManagedWorkspace.Kind, after age: TimeInterval) -> [WorkspaceName] {
            let due = oldestFirst.filter { $0.orphan.kind == kind && now.timeIntervalSince($0.since) >= age }
            // At random beyond the limit, so that those that always fail do not block the others.
            return (due.count > limit ? Array(due.shuffled().prefix(limit)) : due).map(\.orphan.workspace)
        }
        return Actions(
            stop: due(.container, after: containerAge),
            removeVolume: retention.map { due(.volume, after: max($0, containerAge)) } ?? [])
    }

    /// Whether there are so many orphans that this is probably not the containers' database.
    package static func isSuspicious(_ findings: Findings) -> Bool {
        let orphans = Set(findings.orphans.map(\.workspace)).count
        return orphans > LivenessGuard.alwaysAllowed && orphans > findings.living
    }
}
