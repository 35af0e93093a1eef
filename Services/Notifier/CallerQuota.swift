import Authentication
import EventLoop
import Synchronization

/// Something that all callers of this process share, of which each may only have a part: bytes, or places.
///
/// Who finds none left may wait, in the order of coming, but nobody waits for what another caller has too much of.
final class CallerQuota: Sendable {
    enum Refusal: Error {
        /// The caller has its part.
        case caller
        /// All of it is taken.
        case everyone
    }

    private struct Waiter {
        let number: Int
        let amount: Int
        let caller: Identity
        let continuation: UnsafeContinuation<Bool, Never>
    }

    private struct State {
        var taken = 0
        var parts: [Identity: Int] = [:]
        var waiters: [Waiter] = []
        var lastNumber = 0
    }

    /// Requests that may wait.
    private static let waitingLimit = 1000
    /// Requests of one workspace that may wait.
    private static let waitingOfWorkspace = 16

    private let total: Int
    private let part: @Sendable (Identity) -> Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - total: for all callers together.
    ///   - part: the most for one caller.
    init(total: Int, part: @escaping @Sendable (Identity) -> Int) {
        self.total = total
        self.part = part
    }

    /// What is taken now.
    var taken: Int { state.withLock { $0.taken } }
    /// Requests that wait.
    var waiting: Int { state.withLock { $0.waiters.count } }

    /// Takes an amount at once.
    ///
    /// - Throws: when there is none left.
    func take(_ amount: Int, for caller: Identity) throws(Refusal) -> Reservation {
        let reason = state.withLock { state in
            let reason = refusal(amount, caller, state)
            if reason == nil { add(amount, caller, &state) }
            return reason
        }
        if let reason { throw reason }
        return Reservation(self, caller, amount)
    }

    /// Takes an amount, and waits for it if need be.
    ///
    /// - Throws: when there was none left for so long, or too many wait already.
    func take(
        _ amount: Int, for caller: Identity, within limit: Duration, on loop: EventLoop
    ) async throws(Refusal) -> Reservation {
        let number: Int? = try waitingNumber(amount, caller)
        guard let number else { return Reservation(self, caller, amount) }
        var timer: ScheduledCall?
        let isGranted = await withUnsafeContinuation { continuation in
            let waiter = Waiter(number: number, amount: amount, caller: caller, continuation: continuation)
            state.withLock { $0.waiters.append(waiter) }
            // What was given back in between may be enough.
            serve()
            timer = loop.schedule(after: limit) { self.giveUp(number) }
        }
        timer?.cancel()
        if isGranted { return Reservation(self, caller, amount) }
        throw state.withLock { refusal(amount, caller, $0) } ?? .everyone
    }

    /// - Returns: nil when the amount has been taken, else the number to wait under.
    private func waitingNumber(_ amount: Int, _ caller: Identity) throws(Refusal) -> Int? {
        let result = state.withLock { state -> Result<Int?, Refusal> in
            let reason = refusal(amount, caller, state)
            // Those who wait although they have not their part yet are first.
            let isNext = !state.waiters.contains { $0.caller == caller || mayHave($0.amount, $0.caller, state) }
            if reason == nil, isNext {
                add(amount, caller, &state)
                return .success(nil)
            }
            if caller.isWorkspace, state.waiters.count(where: { $0.caller == caller }) >= Self.waitingOfWorkspace {
                return .failure(.caller)
            }
            guard state.waiters.count < Self.waitingLimit else { return .failure(.everyone) }
            state.lastNumber += 1
            return .success(state.lastNumber)
        }
        return try result.get()
    }

    private func mayHave(_ amount: Int, _ caller: Identity, _ state: borrowing State) -> Bool {
        let held = state.parts[caller] ?? 0
        return held == 0 || held + amount <= part(caller)
    }

    private func refusal(_ amount: Int, _ caller: Identity, _ state: borrowing State) -> Refusal? {
        guard mayHave(amount, caller, state) else { return .caller }
        // More than there is at all is let through alone.
        return state.taken == 0 || state.taken + amount <= total ? nil : .everyone
    }

    private func add(_ amount: Int, _ caller: Identity, _ state: inout State) {
        state.taken += amount
        let held = (state.parts[caller] ?? 0) + amount
        state.parts[caller] = held == 0 ? nil : held
    }

    private func giveUp(_ number: Int) {
        let waiter = state.withLock { state in
            state.waiters.firstIndex { $0.number == number }.map { state.waiters.remove(at: $0) }
        }
        waiter?.continuation.resume(returning: false)
        // Those behind it may need less.
        serve()
    }

    fileprivate func change(by amount: Int, for caller: Identity) {
        state.withLock { add(amount, caller, &$0) }
        if amount < 0 { serve() }
    }

    private func serve() {
        let served = state.withLock { state in
            var served: [Waiter] = []
            var index = 0
            while index < state.waiters.count {
                let waiter = state.waiters[index]
                switch refusal(waiter.amount, waiter.caller, state) {
                case nil:
                    add(waiter.amount, waiter.caller, &state)
                    served.append(state.waiters.remove(at: index))
                case .caller: index += 1
                case .everyone: return served
                }
            }
            return served
        }
        for waiter in served { waiter.continuation.resume(returning: true) }
    }
}

/// A part of a quota, given back when nobody holds this any more.
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

    /// Gives back what is not needed, or takes what is needed beyond, whether or not it is there.
    func resize(to new: Int) {
        let difference = amount.withLock { amount in
            defer { amount = new }
            return new - amount
        }
        if difference != 0 { quota.change(by: difference, for: caller) }
    }
}
