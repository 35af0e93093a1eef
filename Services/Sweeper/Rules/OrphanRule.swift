import Foundation
import Provisioning

/// What becomes of containers and volumes that no living workspace has.
///
/// Two cases that have nothing in common. A workspace that was removed is known to be: what is left of it goes. Where there
/// is no row at all, the database may be empty, old or the wrong one, which looks the same; so time must pass, and a volume
/// is kept for long. Only what carries our labels counts in either: a name is twelve characters, which another platform on
/// the same engine may have given, from a copy of this database for instance.
package enum OrphanRule {
    /// The rows and the work of the workspaces whose ids begin as a container's name does.
    package struct Known: Sendable, Hashable {
        /// Those that are removed.
        package var removed: [UUID] = []
        package var hasLiving = false
        /// Somebody starts, stops or removes one of them, with or without a row.
        package var hasJob = false

        package init(removed: [UUID] = [], hasLiving: Bool = false, hasJob: Bool = false) {
            self.removed = removed
            self.hasLiving = hasLiving
            self.hasJob = hasJob
        }
    }

    /// A container or volume of ours without a row.
    package struct Orphan: Sendable, Hashable {
        package let kind: ManagedWorkspace.Kind
        package let workspace: WorkspaceName

        package init(_ kind: ManagedWorkspace.Kind, _ workspace: WorkspaceName) {
            self.kind = kind
            self.workspace = workspace
        }
    }

    package struct Findings: Sendable, Hashable {
        /// Removed workspaces of which something is left, one for each name.
        package var removed: [UUID] = []
        package var orphans: [Orphan] = []
        /// Names of ours that a living workspace has.
        package var living = 0

        package init(removed: [UUID] = [], orphans: [Orphan] = [], living: Int = 0) {
            self.removed = removed
            self.orphans = orphans
            self.living = living
        }
    }

    /// Names of ours that an id can begin with: only for these is anything looked up.
    package static func names(in found: [ManagedWorkspace]) -> [WorkspaceName] {
        Set(found.lazy.filter(\.isOurs).compactMap(\.workspace).filter { $0.ids != nil }).sorted {
            $0.prefix < $1.prefix
        }
    }

    /// - Parameter known: by name; a name without an entry has neither row nor job.
    package static func findings(
        _ found: [ManagedWorkspace], known: [WorkspaceName: Known]
    ) -> Findings {
        // Whoever's they are: a volume's time begins when no container is there that may use it.
        let containers = Set(found.lazy.filter { $0.kind == .container }.map(\.idPrefix))
        let ours = Set(
            found.lazy.filter(\.isOurs).compactMap { entry in entry.workspace.map { Orphan(entry.kind, $0) } })
        // A removal goes by the name, and would take a stranger's along.
        let strangers = Set(found.lazy.filter { !$0.isOurs }.map(\.idPrefix))
        var findings = Findings()
        for name in names(in: found) {
            let known = known[name] ?? Known()
            if known.hasLiving {
                findings.living += 1
            } else if known.hasJob {
                continue
            } else if let removed = known.removed.min(by: { $0.uuidString < $1.uuidString }) {
                if !strangers.contains(name.prefix) { findings.removed.append(removed) }
            } else if ours.contains(Orphan(.container, name)) {
                findings.orphans.append(Orphan(.container, name))
            } else if !containers.contains(name.prefix) {
                findings.orphans.append(Orphan(.volume, name))
            }
        }
        return findings
    }

    // MARK: - Without a row

    /// Since when something has been seen without interruption.
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

    /// Seconds between two passes that must both have seen a container.
    package static let containerAge: TimeInterval = 120
    /// Seconds after which what was seen before does not count any more: in between nobody looked, and the database may have
    /// been another one.
    package static let longestGap: TimeInterval = 600
    /// Containers stopped in one pass, and volumes removed.
    package static let limit = 20

    /// What to do now.
    ///
    /// - Parameters:
    ///   - sightings: of everything that is without a row in this pass.
    ///   - retention: seconds for which volumes are kept; `nil` for ever.
    package static func actions(_ sightings: [Sighting], now: Date, retention: TimeInterval?) -> Actions {
        let oldestFirst = sightings.sorted {
            ($0.since, $0.orphan.workspace.prefix) < ($1.since, $1.orphan.workspace.prefix)
        }
        func due(_ kind: ManagedWorkspace.Kind, after age: TimeInterval) -> [WorkspaceName] {
            let due = oldestFirst.filter { $0.orphan.kind == kind && now.timeIntervalSince($0.since) >= age }
            // At random where not all have a turn: those that always fail must not stand before the others for ever.
            return (due.count > limit ? Array(due.shuffled().prefix(limit)) : due).map(\.orphan.workspace)
        }
        return Actions(
            stop: due(.container, after: containerAge),
            removeVolume: retention.map { due(.volume, after: max($0, containerAge)) } ?? [])
    }

    /// Whether so much has no row that the database is probably not the one that the containers were started from.
    package static func isSuspicious(_ findings: Findings) -> Bool {
        let orphans = Set(findings.orphans.map(\.workspace)).count
        return orphans > LivenessGuard.alwaysAllowed && orphans > findings.living
    }
}
