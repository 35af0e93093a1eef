import Authentication
import Synchronization
import UVLoop

/// A resource that all callers of this process share, with a limit per caller: bytes, or slots.
///
/// When it is exhausted, requests may wait in FIFO order; a waiter that its caller's own limit blocks does not block
/// waiters of other callers.
final class CallerQuota: Sendable {
    enum Refusal: Error {
        /// The caller's limit is reached.
        case caller
        /// The total is reached.
        case everyone
    }

    private struct Waiter {
        let id: Int
        let amount: Int
        let caller: Identity
        let continuation: UnsafeContinuation<Bool, Never>
    }

    private struct State {
        var taken = 0
        var usedByCaller: [Identity: Int] = [:]
        var waiters: [Waiter] = []
        var lastID = 0
    }

    /// The most waiting requests.
    private static let waitingLimit = 1000
    /// The most waiting requests of one workspace.
    private static let waitingLimitOfWorkspace = 16

    private let total: Int
    private let part: @Sendable (Identity) -> Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - total: for all callers together.
    ///   - part: the limit of a caller.
    init(total: Int, part: @escaping @Sendable (Identity) -> Int) {
        self.total = total
        self.part = part
    }

    /// The amount in use.
    var taken: Int { state.withLock { $0.taken } }
    /// The number of waiting requests.
    var waiting: Int { state.withLock { $0.waiters.count } }

    /// Takes an amount at once.
    ///
    /// - Throws: when there is not enough left.
    func take(_ amount: Int, for caller: Identity) throws(Refusal) -> Reservation {
        let reason = state.withLock { state in
            let reason = refusal(amount, caller, state)
            if reason == nil { add(amount, caller, &state) }
            return reason
        }
        if let reason { throw reason }
        return Reservation(self, caller, amount)
    }

    /// Takes an amount, waiting for it if necessary.
    ///
    /// - Throws: when it did not get it in time, or too many wait already.
    func take(
        _ amount: Int, for caller: Identity, within limit: Duration, on loop: EventLoop
    ) async throws(Refusal) -> Reservation {
        let id: Int? = try waiterID(amount, caller)
        guard let id else { return Reservation(self, caller, amount) }
        var timer: ScheduledCall?
        let isGranted = await withUnsafeContinuation { continuation in
            let waiter = Waiter(id: id, amount: amount, caller: caller, continuation: continuation)
            state.withLock { $0.waiters.append(waiter) }
            // Enough may have been released in between.
            grantWaiters()
            timer = loop.schedule(after: limit) { self.expire(id) }
        }
        timer?.cancel()
        if isGranted { return Reservation(self, caller, amount) }
        throw state.withLock { refusal(amount, caller, $0) } ?? .everyone
    }

    /// - Returns: nil when the amount has been taken, else the id of a waiter to add.
    private func waiterID(_ amount: Int, _ caller: Identity) throws(Refusal) -> Int? {
        let result = state.withLock { state -> Result<Int?, Refusal> in
            let reason = refusal(amount, caller, state)
            // Waiters that are below their caller's limit take precedence.
            let isNext = !state.waiters.contains { $0.caller == caller || isBelowLimit($0.amount, $0.caller, state) }
            if reason == nil, isNext {
                add(amount, caller, &state)
                return .success(nil)
            }
            if caller.isWorkspace, state.waiters.count(where: { $0.caller == caller }) >= Self.waitingLimitOfWorkspace {
                return .failure(.caller)
            }
            guard state.waiters.count < Self.waitingLimit else { return .failure(.everyone) }
            state.lastID += 1
            return .success(state.lastID)
        }
        return try result.get()
    }

    private func isBelowLimit(_ amount: Int, _ caller: Identity, _ state: borrowing State) -> Bool {
        let used = state.usedByCaller[caller] ?? 0
        return used == 0 || used + amount <= part(caller)
    }

    private func refusal(_ amount: Int, _ caller: Identity, _ state: borrowing State) -> Refusal? {
        guard isBelowLimit(amount, caller, state) else { return .caller }
        // An amount above the total is granted when nothing else is in use.
        return state.taken == 0 || state.taken + amount <= total ? nil : .everyone
    }

    private func add(_ amount: Int, _ caller: Identity, _ state: inout State) {
        state.taken += amount
        let used = (state.usedByCaller[caller] ?? 0) + amount
        state.usedByCaller[caller] = used == 0 ? nil : used
    }

    private func expire(_ id: Int) {
        let waiter = state.withLock { state in
            state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
        }
        waiter?.continuation.resume(returning: false)
        // The waiters behind it may need less.
        grantWaiters()
    }

    fileprivate func change(by amount: Int, for caller: Identity) {
        state.withLock { add(amount, caller, &$0) }
        if amount < 0 { grantWaiters() }
    }

    private func grantWaiters() {
        let granted = state.withLock { state in
            var granted: [Waiter] = []
            var index = 0
            while index < state.waiters.count {
                let waiter = state.waiters[index]
                switch refusal(waiter.amount, waiter.caller, state) {
                case nil:
                    add(waiter.amount, waiter.caller, &state)
                    granted.append(state.waiters.remove(at: index))
                case .caller: index += 1
                case .everyone: return granted
                }
            }
            return granted
        }
        for waiter in granted { waiter.continuation.resume(returning: true) }
    }
}

/// An amount taken from a quota, released by `deinit`.
final class Reservation: Sendable {
    private let quota: CallerQuota
    private let caller: Identity
    private let amount: Mutex<Int>

    fileprivate init(_ quota: CallerQuota, _ caller: Identity, _ amount: Int) {
        self.quota = quota
        self.caller = caller
        self.amount = Mutex(amount)
    }

    deinit {
        quota.change(by: -amount.withLock { $0 }, for: caller)
    }

    /// Changes the amount: releases the rest, or takes more, also beyond the limits.
    func resize(to new: Int) {
        let difference = amount.withLock { amount in
            defer { amount = new }
            return new - amount
        }
        if difference != 0 { quota.change(by: difference, for: caller) }
    }
}
