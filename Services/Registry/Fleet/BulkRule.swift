import Contracts
import Foundation
import HTTPServer
import Lifecycle

/// What can be done to many workspaces with one request.
package enum BulkAction: String, Sendable, CaseIterable {
    case pause, resume, restart, hibernate, delete

    /// The statuses that it makes sense from: what a filter matches beside them is not looked at.
    package var statuses: Set<WorkspaceStatus> {
        let living = Set(WorkspaceStatus.allCases).subtracting([.removed])
        return switch self {
        case .pause: living.subtracting([.paused])
        case .resume: [.paused]
        case .restart: living.subtracting([.paused, .hibernating, .provisioning])
        case .hibernate: [.online, .degraded]
        case .delete: living
        }
    }

    /// Those above come first where what is above changes what is below with it, or has to be changed before it; whoever
    /// is deleted must have no children any more.
    package var beginsBelow: Bool { self == .delete }

    /// That what is below a workspace goes with it: that in one of ``statuses``.
    package var takesBelow: Bool { self == .pause || self == .resume || self == .delete }
}

/// A workspace that is to be changed with others.
package struct BulkSubject: Sendable {
    package var id: UUID
    package var name: String
    package var parent: UUID?
    /// How many are above it.
    package var depth: Int
    package var createdAt: Date
    package var subject: LifecycleRule.Subject
    /// Those that are not removed, as many as one request changes and one more.
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

/// What became of one of many.
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
    /// It was not asked for, and goes with one above it.
    package var isBelow = false
}

/// The rules of changing many, without doing it.
package enum BulkRule {
    /// What a refusal means for one of many: who is already as it was to be is passed over.
    package static func outcome(of refusal: LifecycleRefusal) -> BulkResult.Outcome {
        switch refusal {
        case .alreadyPaused, .notPaused: .skipped
        default: .failed
        }
    }

    /// What would become of each, as far as can be told without trying.
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
            // A parent that is resumed first resumes what is below it.
            var facts = subject.subject
            if let parent = subject.parent, changed.contains(parent) { facts.isParentPaused = false }
            try LifecycleRule.resume(facts)
        case .restart: try LifecycleRule.restart(subject.subject, hasProvisioner: hasProvisioner)
        case .hibernate: try LifecycleRule.hibernate(subject.subject, isForced: false)
        case .delete:
            if subject.subject.status == .removed { throw .unknown }
            guard !isConfirmed, !changed.isSuperset(of: subject.children) else { return }
            throw .needsConfirmation([])
        }
    }

    package static func sentence(_ refusal: LifecycleRefusal) -> String {
        if case .needsConfirmation = refusal { return "confirmation required: its children would go with it" }
        return refusal.apiError.sentence
    }

    package static func result(
        _ subject: BulkSubject, _ outcome: BulkResult.Outcome, _ error: LifecycleRefusal? = nil
    ) -> BulkResult {
        BulkResult(
            id: subject.id, name: subject.name, status: subject.subject.status, outcome: outcome,
            error: error.map(sentence))
    }
}
