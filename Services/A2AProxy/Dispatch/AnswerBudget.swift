import Authentication
import Foundation
import Synchronization

/// Whose part of the memory an answer takes.
package enum AnswerOwner: Sendable, Hashable {
    case caller(Caller)
    /// Nobody reads it slowly: it is held until it is written down.
    case queue
}

/// The memory that large answers of all calls may take together while they are held: from their reading until their
/// caller has taken them. Who finds none left waits for it, in the order of coming: that there is none is no fault of
/// the agent's, and its work is done.
///
/// Each caller may take a part of it only, so that one who asks for much and reads slowly holds up nobody else.
///
/// Answers take memory as they grow, so that they might wait for each other. Therefore one at a time may go beyond the
/// budget and needs not wait: it comes to its end, and gives back what the next one needs. Of each caller's part the
/// same is true.
package final class AnswerBudget: Sendable {
    /// Answers up to this are not counted: there are at most as many as calls, each small.
    static let countedFrom = 64 * 1024
    /// One caller's part is the budget's by this.
    private static let callersPart = 8

    private struct Waiter {
        let number: Int
        let share: ObjectIdentifier
        let bytes: Int
        let continuation: UnsafeContinuation<Bool, Never>
    }

    /// What may be taken, and who may go beyond it.
    private struct Room {
        /// Below zero while one answer goes beyond.
        var free: Int
        /// The share of the answer that may go beyond, until what is taken fits again.
        var beyond: ObjectIdentifier?

        func has(_ bytes: Int, for share: ObjectIdentifier) -> Bool {
            bytes <= free || beyond == nil || beyond == share
        }

        mutating func take(_ bytes: Int, for share: ObjectIdentifier) {
            if bytes > free, beyond == nil { beyond = share }
            free -= bytes
        }

        /// - Parameter ended: a share that asks for nothing more.
        mutating func give(back bytes: Int, of ended: ObjectIdentifier?) {
            free += bytes
            if free >= 0 || ended != nil && beyond == ended { beyond = nil }
        }
    }

    /// One caller's part, there while the caller has something or waits.
    private struct Part {
        var room: Room
        var waiters: [Waiter] = []
    }

    private struct State {
        var room: Room
        let part: Int
        var parts: [AnswerOwner: Part] = [:]
        /// The callers that wait, in the order in which they get their turns.
        var turns: [AnswerOwner] = []
        var lastNumber = 0

        /// - Returns: false when there is no room, or the caller has its part.
        mutating func grant(_ bytes: Int, to share: ObjectIdentifier, of caller: AnswerOwner) -> Bool {
            var own = parts[caller]?.room ?? Room(free: part)
            // Who goes beyond the budget must come to its end: everybody waits for that.
            guard room.has(bytes, for: share), room.beyond == share || own.has(bytes, for: share) else { return false }
            room.take(bytes, for: share)
            own.take(bytes, for: share)
            parts[caller, default: Part(room: own)].room = own
            return true
        }

        mutating func give(back bytes: Int, of ended: ObjectIdentifier?, _ caller: AnswerOwner) {
            room.give(back: bytes, of: ended)
            parts[caller]?.room.give(back: bytes, of: ended)
            forgetIfDone(caller)
        }

        mutating func add(_ waiter: Waiter, of caller: AnswerOwner) {
            if parts[caller]?.waiters.isEmpty != false { turns.append(caller) }
            var own = parts[caller] ?? Part(room: Room(free: part))
            // For the one that goes beyond its caller's part the others wait.
            own.waiters.insert(waiter, at: own.room.beyond == waiter.share ? 0 : own.waiters.count)
            parts[caller] = own
        }

        mutating func remove(_ number: Int, of caller: AnswerOwner) -> Waiter? {
            guard let index = parts[caller]?.waiters.firstIndex(where: { $0.number == number }) else { return nil }
            defer { waiterLeft(caller) }
            return parts[caller]?.waiters.remove(at: index)
        }

        /// Those for whom there is room now: each caller's first before anyone's second.
        mutating func takeReady() -> [Waiter] {
            var ready: [Waiter] = []
            var passed = 0
            while passed < turns.count {
                let caller = turns[passed]
                guard let first = parts[caller]?.waiters.first, grant(first.bytes, to: first.share, of: caller) else {
                    passed += 1
                    continue
                }
                ready.append(first)
                parts[caller]?.waiters.removeFirst()
                turns.remove(at: passed)
                if parts[caller]?.waiters.isEmpty == false { turns.append(caller) }
            }
            return ready
        }

        private mutating func waiterLeft(_ caller: AnswerOwner) {
            if parts[caller]?.waiters.isEmpty == true { turns.removeAll { $0 == caller } }
            forgetIfDone(caller)
        }

        private mutating func forgetIfDone(_ caller: AnswerOwner) {
            if let own = parts[caller], own.waiters.isEmpty, own.room.free == part { parts[caller] = nil }
        }
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - bytes: for all calls together; one answer may go beyond.
    ///   - part: for those of one caller; one answer may go beyond.
    package init(bytes: Int, eachCaller part: Int? = nil) {
        state = Mutex(State(room: Room(free: bytes), part: part ?? bytes / Self.callersPart))
    }

    /// Bytes that are not taken.
    package var bytesLeft: Int { state.withLock { $0.room.free } }

    /// How many answers wait.
    package var waiting: Int { state.withLock { state in state.parts.values.reduce(0) { $0 + $1.waiters.count } } }

    /// A share of nothing yet, for one answer.
    ///
    /// - Parameter caller: who is to have it.
    package func makeShare(for caller: AnswerOwner = .queue) -> AnswerShare { AnswerShare(self, caller) }

    /// - Returns: false when there was no room in time, or the task was cancelled.
    fileprivate func take(_ bytes: Int, for share: AnswerShare, within limit: Duration) async -> Bool {
        let (caller, id) = (share.caller, ObjectIdentifier(share))
        let number: Int? = state.withLock { state in
            let own = state.parts[caller]
            let isNext = own?.waiters.isEmpty != false || state.room.beyond == id || own?.room.beyond == id
            if isNext, state.grant(bytes, to: id, of: caller) { return nil }
            state.lastNumber += 1
            return state.lastNumber
        }
        guard let number else { return true }
        var timer: Task<Void, Never>?
        defer { timer?.cancel() }
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                wait(Waiter(number: number, share: id, bytes: bytes, continuation: continuation), of: caller)
                // The handler may have run before there was anybody to give up.
                if Task.isCancelled { giveUp(number, of: caller) }
                timer = Task {
                    if (try? await Task.sleep(for: limit)) != nil { giveUp(number, of: caller) }
                }
            }
        } onCancel: {
            giveUp(number, of: caller)
        }
    }

    private func wait(_ waiter: Waiter, of caller: AnswerOwner) {
        state.withLock { $0.add(waiter, of: caller) }
        // What was given back in between may be enough.
        resumeReady()
    }

    private func giveUp(_ number: Int, of caller: AnswerOwner) {
        let waiter = state.withLock { $0.remove(number, of: caller) }
        waiter?.continuation.resume(returning: false)
        // Those behind it may need less.
        resumeReady()
    }

    /// What was taken fits again once the one that went beyond has ended, if not before.
    fileprivate func give(back bytes: Int, of ended: ObjectIdentifier?, _ caller: AnswerOwner) {
        state.withLock { $0.give(back: bytes, of: ended, caller) }
        resumeReady()
    }

    private func resumeReady() {
        let ready = state.withLock { $0.turns.isEmpty ? [] : $0.takeReady() }
        for waiter in ready { waiter.continuation.resume(returning: true) }
    }
}

/// One answer's share of the budget, given back when nobody holds the answer any more.
package final class AnswerShare: Sendable {
    fileprivate let caller: AnswerOwner
    private let budget: AnswerBudget
    private let bytes = Atomic(0)

    fileprivate init(_ budget: AnswerBudget, _ caller: AnswerOwner) {
        self.budget = budget
        self.caller = caller
    }

    deinit {
        let held = bytes.load(ordering: .relaxed)
        if held > 0 { budget.give(back: held, of: ObjectIdentifier(self), caller) }
    }

    /// Takes memory for an answer that is being read. In steps, each as large as what is held: what an agent announces, or
    /// may yet send, takes nothing from others before it comes.
    ///
    /// - Parameters:
    ///   - count: the answer's length so far.
    ///   - most: what it may come to.
    ///   - limit: how long to wait for room.
    /// - Returns: false when there was none in that time, or the task was cancelled.
    package func grow(to count: Int, ofAtMost most: Int, within limit: Duration) async -> Bool {
        let held = bytes.load(ordering: .relaxed)
        guard count > held else { return true }
        let step = max(count, min(most, max(2 * held, 2 * AnswerBudget.countedFrom))) - held
        guard await budget.take(step, for: self, within: limit) else { return false }
        bytes.store(held + step, ordering: .relaxed)
        return true
    }

    /// Gives back what an answer of `count` bytes does not need.
    package func shrink(to count: Int) {
        let held = bytes.load(ordering: .relaxed)
        guard count < held else { return }
        bytes.store(count, ordering: .relaxed)
        budget.give(back: held - count, of: nil, caller)
    }
}
