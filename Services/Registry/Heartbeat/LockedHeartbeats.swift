import Foundation
import Synchronization

/// The ordering rule for beats whose rows are locked: none is written after a newer one of its workspace.
///
/// It has an entry for a workspace only while a beat of it waits. Turns order the beats of a workspace.
struct LockedHeartbeats {
    private struct Entry {
        var waiting = 0
        /// The turn of the newest beat that was written while others wait.
        var accepted = 0
    }

    private var entries: [UUID: Entry] = [:]

    /// The number of workspaces with a waiting beat.
    var count: Int { entries.count }

    /// Whether a beat of this workspace waits: later ones must wait behind it.
    func contains(_ workspace: UUID) -> Bool { entries[workspace] != nil }

    /// The rows of a beat were locked.
    mutating func hold(_ workspace: UUID) { entries[workspace, default: Entry()].waiting += 1 }

    /// A beat was written.
    mutating func accept(_ workspace: UUID, turn: Int) {
        guard let entry = entries[workspace] else { return }
        entries[workspace]?.accepted = max(entry.accepted, turn)
    }

    /// Whether a newer beat was written, so that this one must not be.
    func isOvertaken(_ workspace: UUID, turn: Int) -> Bool { entries[workspace].map { $0.accepted > turn } ?? false }

    /// A beat waits no longer, whatever its outcome.
    mutating func release(_ workspace: UUID) {
        guard let entry = entries[workspace] else { return }
        if entry.waiting > 1 { entries[workspace]?.waiting -= 1 } else { entries[workspace] = nil }
    }
}

/// ``LockedHeartbeats`` for the batches of one process; while no beat waits, none of them takes the lock.
///
/// Of concurrent batches only one has a beat of a given workspace, and `settle` is called for it before `free` is
/// called for the next such batch.
final class LockedHeartbeatTracker: Sendable {
    private let beats = Mutex(LockedHeartbeats())
    private let count = Atomic<Int>(0)
    private let turn = Atomic<Int>(0)

    /// The turn of a new batch. A batch has at most one beat of a workspace.
    func nextTurn() -> Int { turn.wrappingAdd(1, ordering: .relaxed).newValue }

    /// The indices of the beats that need not wait behind an older one.
    func free(_ batch: [Heartbeat]) -> [Int] {
        if count.load(ordering: .acquiring) == 0 { return Array(batch.indices) }
        return beats.withLock { beats in batch.indices.filter { !beats.contains(batch[$0].workspace) } }
    }

    /// Records the outcomes of a batch's first attempt. Each beat whose rows were locked must be released later.
    func settle(_ batch: [Heartbeat], _ outcomes: [HeartbeatOutcome], turn: Int) {
        if count.load(ordering: .acquiring) == 0, !outcomes.contains(where: { $0.verdict == .locked }) { return }
        beats.withLock { beats in
            for (beat, outcome) in zip(batch, outcomes) {
                switch outcome.verdict {
                case .locked: beats.hold(beat.workspace)
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
