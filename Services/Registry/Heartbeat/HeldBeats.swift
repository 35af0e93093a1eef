import Foundation
import Synchronization

/// The rule for beats whose rows somebody holds: none is written after a newer one of its workspace.
///
/// It knows a workspace only while a beat of it waits. Turns say which of two beats of a workspace is newer.
struct HeldBeats {
    private struct Entry {
        var waiting = 0
        /// The turn of the newest that was accepted while others wait.
        var accepted = 0
    }

    private var entries: [UUID: Entry] = [:]

    /// How many workspaces have a beat that waits.
    var count: Int { entries.count }

    /// Whether a beat of this workspace waits: later ones have to wait behind it.
    func contains(_ workspace: UUID) -> Bool { entries[workspace] != nil }

    /// A beat turned out held.
    mutating func hold(_ workspace: UUID) { entries[workspace, default: Entry()].waiting += 1 }

    /// A beat was written.
    mutating func accept(_ workspace: UUID, turn: Int) {
        guard let entry = entries[workspace] else { return }
        entries[workspace]?.accepted = max(entry.accepted, turn)
    }

    /// Whether a newer beat was written, so that this one must not be.
    func isOvertaken(_ workspace: UUID, turn: Int) -> Bool { entries[workspace].map { $0.accepted > turn } ?? false }

    /// A beat that was held waits no longer, whatever became of it.
    mutating func release(_ workspace: UUID) {
        guard let entry = entries[workspace] else { return }
        if entry.waiting > 1 { entries[workspace]?.waiting -= 1 } else { entries[workspace] = nil }
    }
}

/// ``HeldBeats`` for the batches of one process; while nothing is held, none of them takes the lock.
///
/// Of the batches that run at once only one has a beat of a workspace, and it is settled before the next that has one
/// looks for what is free.
final class HeldLine: Sendable {
    private let beats = Mutex(HeldBeats())
    private let count = Atomic<Int>(0)
    private let turn = Atomic<Int>(0)

    /// The turn of a batch that begins. A batch has at most one beat of a workspace.
    func nextTurn() -> Int { turn.wrappingAdd(1, ordering: .relaxed).newValue }

    /// The indices of those beats that need not wait behind an older one.
    func free(_ batch: [Heartbeat]) -> [Int] {
        if count.load(ordering: .acquiring) == 0 { return Array(batch.indices) }
        return beats.withLock { beats in batch.indices.filter { !beats.contains(batch[$0].workspace) } }
    }

    /// Notes what became of a batch that came first. Each that is held now must be released.
    func settle(_ batch: [Heartbeat], _ outcomes: [HeartbeatOutcome], turn: Int) {
        if count.load(ordering: .acquiring) == 0, !outcomes.contains(where: { $0.verdict == .held }) { return }
        beats.withLock { beats in
            for (beat, outcome) in zip(batch, outcomes) {
                switch outcome.verdict {
                case .held: beats.hold(beat.workspace)
                case .accepted: beats.accept(beat.workspace, turn: turn)
                case .unknown, .removed: break
                }
            }
            count.store(beats.count, ordering: .releasing)
        }
    }

    func isOvertaken(_ workspace: UUID, turn: Int) -> Bool {
        beats.withLock { $0.isOvertaken(workspace, turn: turn) }
    }

    func accept(_ workspace: UUID, turn: Int) {
        beats.withLock { $0.accept(workspace, turn: turn) }
    }

    func release(_ workspace: UUID) {
        beats.withLock { beats in
            beats.release(workspace)
            count.store(beats.count, ordering: .releasing)
        }
    }
}
