import Authentication
import Foundation
import Synchronization

/// The owner of a response, from whose part of the memory budget it is reserved.
package enum ReservationOwner: Sendable, Hashable {
    case caller(Caller)
    /// The queue's deliveries: their responses are held until they are stored, and have no slow reader.
    case queue
}

/// The memory budget of large responses of all calls together, from their reading until their caller has taken them.
/// Reservations that do not fit wait, round-robin among the callers: the shortage is not the agent's fault, and its work
/// is done.
///
/// Each caller may reserve only a part of it, so that a slow reader of many large responses does not block other
/// callers.
///
/// Responses reserve memory as they grow, so that they might deadlock. Therefore one reservation at a time may overdraw
/// the budget without waiting: it completes, and releases what the next one needs. The same holds for each caller's
/// part.
package final class ResponseMemoryBudget: Sendable {
    /// Responses up to this size are not counted: their number is bounded by that of the calls.
    static let accountingThreshold = 64 * 1024
    /// One caller may reserve the budget divided by this.
    private static let callerDivisor = 8

    private struct Waiter {
        let number: Int
        let reservation: ObjectIdentifier
        let bytes: Int
        let continuation: UnsafeContinuation<Bool, Never>
    }

    /// The bytes that are free, and the reservation that may overdraw them.
    private struct Capacity {
        /// Below zero while one reservation overdraws.
        var free: Int
        /// The reservation that may overdraw, until all that is reserved fits again.
        var overdrawer: ObjectIdentifier?

        func allows(_ bytes: Int, for reservation: ObjectIdentifier) -> Bool {
            bytes <= free || overdrawer == nil || overdrawer == reservation
        }

        mutating func reserve(_ bytes: Int, for reservation: ObjectIdentifier) {
            if bytes > free, overdrawer == nil { overdrawer = reservation }
            free -= bytes
        }

        /// - Parameter ended: a reservation that grows no more.
        mutating func release(_ bytes: Int, of ended: ObjectIdentifier?) {
            free += bytes
            if free >= 0 || ended != nil && overdrawer == ended { overdrawer = nil }
        }
    }

    /// One owner's part of the budget; exists while the owner has reservations or waiters.
    private struct Account {
        var capacity: Capacity
        var waiters: [Waiter] = []
    }

    private struct State {
        var capacity: Capacity
        let ownerLimit: Int
        var accounts: [ReservationOwner: Account] = [:]
        /// The owners with waiters, in round-robin order.
        var waitingOwners: [ReservationOwner] = []
        var lastNumber = 0

        /// - Returns: false when the budget or the owner's part is used up.
        mutating func grant(_ bytes: Int, to reservation: ObjectIdentifier, of owner: ReservationOwner) -> Bool {
            var own = accounts[owner]?.capacity ?? Capacity(free: ownerLimit)
            // The reservation that overdraws the budget must complete, since all others wait for it.
            guard capacity.allows(bytes, for: reservation),
                capacity.overdrawer == reservation || own.allows(bytes, for: reservation)
            else { return false }
            capacity.reserve(bytes, for: reservation)
            own.reserve(bytes, for: reservation)
            accounts[owner, default: Account(capacity: own)].capacity = own
            return true
        }

        mutating func release(_ bytes: Int, of ended: ObjectIdentifier?, _ owner: ReservationOwner) {
            capacity.release(bytes, of: ended)
            accounts[owner]?.capacity.release(bytes, of: ended)
            removeIfIdle(owner)
        }

        mutating func add(_ waiter: Waiter, of owner: ReservationOwner) {
            if accounts[owner]?.waiters.isEmpty != false { waitingOwners.append(owner) }
            var own = accounts[owner] ?? Account(capacity: Capacity(free: ownerLimit))
            // The one that overdraws its owner's part goes first, since the others wait for it.
            own.waiters.insert(waiter, at: own.capacity.overdrawer == waiter.reservation ? 0 : own.waiters.count)
            accounts[owner] = own
        }

        mutating func remove(_ number: Int, of owner: ReservationOwner) -> Waiter? {
            guard let index = accounts[owner]?.waiters.firstIndex(where: { $0.number == number }) else { return nil }
            defer { waiterLeft(owner) }
            return accounts[owner]?.waiters.remove(at: index)
        }

        /// Grants what fits now: each owner's first waiter before any owner's second.
        mutating func takeReady() -> [Waiter] {
            var ready: [Waiter] = []
            var passed = 0
            while passed < waitingOwners.count {
                let owner = waitingOwners[passed]
                guard let first = accounts[owner]?.waiters.first, grant(first.bytes, to: first.reservation, of: owner)
                else {
                    passed += 1
                    continue
                }
                ready.append(first)
                accounts[owner]?.waiters.removeFirst()
                waitingOwners.remove(at: passed)
                if accounts[owner]?.waiters.isEmpty == false { waitingOwners.append(owner) }
            }
            return ready
        }

        private mutating func waiterLeft(_ owner: ReservationOwner) {
            if accounts[owner]?.waiters.isEmpty == true { waitingOwners.removeAll { $0 == owner } }
            removeIfIdle(owner)
        }

        private mutating func removeIfIdle(_ owner: ReservationOwner) {
            if let own = accounts[owner], own.waiters.isEmpty, own.capacity.free == ownerLimit { accounts[owner] = nil }
        }
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - bytes: for all calls together; one response may overdraw.
    ///   - limit: in bytes, for those of one caller; one response may overdraw.
    package init(bytes: Int, perCaller limit: Int? = nil) {
        state = Mutex(State(capacity: Capacity(free: bytes), ownerLimit: limit ?? bytes / Self.callerDivisor))
    }

    /// Bytes that are not reserved.
    package var bytesLeft: Int { state.withLock { $0.capacity.free } }

    /// The number of responses that wait for memory.
    package var waiting: Int { state.withLock { state in state.accounts.values.reduce(0) { $0 + $1.waiters.count } } }

    /// An empty reservation for one response.
    package func makeReservation(for owner: ReservationOwner = .queue) -> MemoryReservation {
        MemoryReservation(self, owner)
    }

    /// - Returns: false when it did not fit in time, or the task was cancelled.
    fileprivate func reserve(_ bytes: Int, for reservation: MemoryReservation, within timeout: Duration) async -> Bool {
        let (owner, id) = (reservation.owner, ObjectIdentifier(reservation))
        let number: Int? = state.withLock { state in
            let own = state.accounts[owner]
            let isNext =
                own?.waiters.isEmpty != false || state.capacity.overdrawer == id || own?.capacity.overdrawer == id
            if isNext, state.grant(bytes, to: id, of: owner) { return nil }
            state.lastNumber += 1
            return state.lastNumber
        }
        guard let number else { return true }
        var timer: Task<Void, Never>?
        defer { timer?.cancel() }
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                wait(Waiter(number: number, reservation: id, bytes: bytes, continuation: continuation), of: owner)
                // The cancellation handler may have run before the waiter was added.
                if Task.isCancelled { cancelWait(number, of: owner) }
                timer = Task {
                    if (try? await Task.sleep(for: timeout)) != nil { cancelWait(number, of: owner) }
                }
            }
        } onCancel: {
            cancelWait(number, of: owner)
        }
    }

    private func wait(_ waiter: Waiter, of owner: ReservationOwner) {
        state.withLock { $0.add(waiter, of: owner) }
        // What was released in between may be enough.
        resumeReady()
    }

    private func cancelWait(_ number: Int, of owner: ReservationOwner) {
        let waiter = state.withLock { $0.remove(number, of: owner) }
        waiter?.continuation.resume(returning: false)
        // Those behind it may need less.
        resumeReady()
    }

    /// - Parameter ended: a reservation that grows no more; others may overdraw from then on.
    fileprivate func release(_ bytes: Int, of ended: ObjectIdentifier?, _ owner: ReservationOwner) {
        state.withLock { $0.release(bytes, of: ended, owner) }
        resumeReady()
    }

    private func resumeReady() {
        let ready = state.withLock { $0.waitingOwners.isEmpty ? [] : $0.takeReady() }
        for waiter in ready { waiter.continuation.resume(returning: true) }
    }
}

/// One response's reservation of the budget, released when the response is freed.
package final class MemoryReservation: Sendable {
    fileprivate let owner: ReservationOwner
    private let budget: ResponseMemoryBudget
    private let bytes = Atomic(0)

    fileprivate init(_ budget: ResponseMemoryBudget, _ owner: ReservationOwner) {
        self.budget = budget
        self.owner = owner
    }

    deinit {
        let held = bytes.load(ordering: .relaxed)
        if held > 0 { budget.release(held, of: ObjectIdentifier(self), owner) }
    }

    /// Reserves memory for a response that is being read, doubling with each step: an announced length reserves nothing
    /// before the bytes arrive.
    ///
    /// - Parameters:
    ///   - count: the response's length so far, in bytes.
    ///   - most: its maximum length, in bytes.
    ///   - timeout: how long to wait for memory.
    /// - Returns: false when there was none in that time, or the task was cancelled.
    package func grow(to count: Int, ofAtMost most: Int, within timeout: Duration) async -> Bool {
        let held = bytes.load(ordering: .relaxed)
        guard count > held else { return true }
        let step = max(count, min(most, max(2 * held, 2 * ResponseMemoryBudget.accountingThreshold))) - held
        guard await budget.reserve(step, for: self, within: timeout) else { return false }
        bytes.store(held + step, ordering: .relaxed)
        return true
    }

    /// Releases what a response of `count` bytes does not need.
    package func shrink(to count: Int) {
        let held = bytes.load(ordering: .relaxed)
        guard count < held else { return }
        bytes.store(count, ordering: .relaxed)
        budget.release(held - count, of: nil, owner)
    }
}
