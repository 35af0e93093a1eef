import Contracts
import Foundation
import Lifecycle
import UVHTTPServer

/// An action on many workspaces with one request.
package enum BulkAction: String, Sendable, CaseIterable {
    case pause, resume, restart, hibernate, delete

    /// The statuses that it applies to; a filter's matches in other statuses are not selected.
    package var statuses: Set<WorkspaceStatus> {
        let existing = Set(WorkspaceStatus.allCases).subtracting([.removed])
        return switch self {
        case .pause: existing.subtracting([.paused])
        case .resume: [.paused]
        case .restart: existing.subtracting([.paused, .hibernating, .provisioning])
        case .hibernate: [.online, .degraded]
        case .delete: existing
        }
    }

    /// Whether descendants are changed before their ancestors: a deleted workspace must have no children any more. The
    /// other actions begin with the ancestors, which change their descendants or must be changed first.
    package var isBottomUp: Bool { self == .delete }

    /// Whether the descendants in one of ``statuses`` are changed with a workspace.
    package var includesDescendants: Bool { self == .pause || self == .resume || self == .delete }
}

/// A workspace that is to be changed by a bulk action.
package struct BulkSubject: Sendable {
    package var id: UUID
    package var name: String
    package var parent: UUID?
    /// The number of its ancestors.
    package var depth: Int
    package var createdAt: Date
    package var subject: LifecycleRule.Subject
    /// Those that are not removed, at most one more than a request changes.
    package var children: [UUID]

    package init(
        id: UUID, name: String, parent: UUID?, depth: Int, createdAt: Date = .distantPast,
        subject: LifecycleRule.Subject, children: [UUID]
    ) {
        self.id = id
        self.name = name
        self.parent = parent
        self.depth = depth
        self.createdAt = createdAt
        self.subject = subject
        self.children = children
    }
}

/// The result for one workspace of a bulk action.
package struct BulkResult: Sendable {
    package enum Outcome: String, Sendable {
        case ok, skipped, failed
        case wouldChange = "would change"
    }

    package var id: UUID
    package var name: String?
    /// After the change, where there was one.
    package var status: WorkspaceStatus?
    package var outcome: Outcome
    package var error: String?
    /// Whether it was not requested, but is changed with an ancestor.
    package var isDescendant = false
}

/// The rules of bulk actions. Free of I/O.
package enum BulkRule {
    /// The outcome for a refusal: a workspace that is already in the requested state is skipped.
    package static func outcome(of refusal: LifecycleRefusal) -> BulkResult.Outcome {
        switch refusal {
        case .alreadyPaused, .notPaused: .skipped
        default: .failed
        }
    }

    /// The expected result for each workspace.
    ///
    /// - Parameter subjects: in the order in which they would be changed.
    package static func forecast(
        _ action: BulkAction, _ subjects: [BulkSubject], hasProvisioner: Bool, isConfirmed: Bool
    ) -> [BulkResult] {
        var changed: Set<UUID> = []
        return subjects.map { subject in
            do throws(LifecycleRefusal) {
                try check(action, subject, changed, hasProvisioner: hasProvisioner, isConfirmed: isConfirmed)
                changed.insert(subject.id)
                return result(subject, .wouldChange)
            } catch {
                return result(subject, outcome(of: error), error)
            }
        }
    }

    private static func check(
        _ action: BulkAction, _ subject: BulkSubject, _ changed: Set<UUID>, hasProvisioner: Bool, isConfirmed: Bool
    ) throws(LifecycleRefusal) {
        switch action {
        case .pause: try LifecycleRule.pause(subject.subject)
        case .resume:
            // A parent that is resumed first resumes its descendants.
            var state = subject.subject
            if let parent = subject.parent, changed.contains(parent) { state.isParentPaused = false }
            try LifecycleRule.resume(state)
        case .restart: try LifecycleRule.restart(subject.subject, hasProvisioner: hasProvisioner)
        case .hibernate: try LifecycleRule.hibernate(subject.subject, isForced: false)
        case .delete:
            if subject.subject.status == .removed { throw .unknown }
            guard !isConfirmed, !changed.isSuperset(of: subject.children) else { return }
            throw .needsConfirmation([])
        }
    }

    package static func message(_ refusal: LifecycleRefusal) -> String {
        if case .needsConfirmation = refusal { return "confirmation required: its children would go with it" }
        return refusal.apiError.message
    }

    package static func result(
        _ subject: BulkSubject, _ outcome: BulkResult.Outcome, _ error: LifecycleRefusal? = nil
    ) -> BulkResult {
        BulkResult(
            id: subject.id, name: subject.name, status: subject.subject.status, outcome: outcome,
            error: error.map(message))
    }
}
