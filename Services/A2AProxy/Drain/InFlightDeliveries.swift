import Foundation
import Synchronization

/// The deliveries of queue items that run in this process, with their leases.
package final class InFlightDeliveries: Sendable {
    private struct Delivery {
        let lease: ItemLease
        let bytes: Int
        /// Until then no other instance claims the item; a lower bound, by this process's clock.
        var leasedUntil: ContinuousClock.Instant
        var task: Task<Void, Never>?
        /// The call is over and its outcome is being written; the row may be written before this entry is removed.
        var isFinishing = false
    }

    private struct State {
        var deliveries: [UUID: Delivery] = [:]
        /// Bytes of the bodies of all deliveries.
        var bytes = 0
        /// A shutdown abandoned all deliveries: one that ends now writes nothing.
        var isAbandoned = false

        mutating func set(_ item: UUID, _ delivery: Delivery?) {
            bytes += (delivery?.bytes ?? 0) - (deliveries[item]?.bytes ?? 0)
            deliveries[item] = delivery
        }
    }

    private let state = Mutex(State())

    package init() {}

    package var count: Int { state.withLock { $0.deliveries.count } }

    /// The number of deliveries, and the bytes of their bodies.
    package var load: (count: Int, bytes: Int) {
        state.withLock { ($0.deliveries.count, $0.bytes) }
    }

    package var leases: [ItemLease] { state.withLock { $0.deliveries.values.map(\.lease) } }

    /// Starts a delivery, whose lease is listed until it ends.
    ///
    /// An earlier delivery of the item may still run here, if its lease expired while this process was suspended and
    /// the item was claimed again. It is cancelled, so that the agent is not called twice at once.
    package func begin(
        _ lease: ItemLease, bytes: Int = 0, until leasedUntil: ContinuousClock.Instant, _ start: () -> Task<Void, Never>
    ) {
        let earlier = state.withLock { state in
            defer { state.set(lease.item, Delivery(lease: lease, bytes: bytes, leasedUntil: leasedUntil)) }
            return state.deliveries[lease.item]?.task
        }
        earlier?.cancel()
        let task = start()
        let isFinished = state.withLock { state in
            if state.deliveries[lease.item]?.lease == lease { state.deliveries[lease.item]?.task = task }
            return state.isAbandoned
        }
        if isFinished { task.cancel() }
    }

    package func end(_ lease: ItemLease) {
        state.withLock { state in
            if state.deliveries[lease.item]?.lease == lease { state.set(lease.item, nil) }
        }
    }

    /// The call is over; only its outcome has to be written.
    package func finishing(_ lease: ItemLease) {
        state.withLock { state in
            if state.deliveries[lease.item]?.lease == lease { state.deliveries[lease.item]?.isFinishing = true }
        }
    }

    /// Whether a call of this lease is in flight.
    func isCalling(_ lease: ItemLease) -> Bool {
        state.withLock { state in
            guard let delivery = state.deliveries[lease.item], delivery.lease == lease else { return false }
            return !delivery.isFinishing
        }
    }

    /// Whether the delivery still has its lease, as far as this process knows.
    func holds(_ lease: ItemLease) -> Bool {
        state.withLock { !$0.isAbandoned && $0.deliveries[lease.item]?.lease == lease }
    }

    /// Records that the database has extended the leases of these items.
    package func extended(_ items: Set<UUID>, until leasedUntil: ContinuousClock.Instant) {
        state.withLock { state in
            for item in items { state.deliveries[item]?.leasedUntil = leasedUntil }
        }
    }

    /// The calls in flight whose lease expires by then. Finished ones are not included: their outcome may still be
    /// written.
    package func calling(withLeaseUntil instant: ContinuousClock.Instant) -> [ItemLease] {
        state.withLock { state in
            state.deliveries.values.filter { !$0.isFinishing && $0.leasedUntil <= instant }.map(\.lease)
        }
    }

    /// Cancels the delivery of an item whose lease another instance holds, or may hold.
    package func leaseLost(_ lease: ItemLease) {
        let task = state.withLock { state -> Task<Void, Never>? in
            guard let delivery = state.deliveries[lease.item], delivery.lease == lease else { return nil }
            state.set(lease.item, nil)
            return delivery.task
        }
        task?.cancel()
    }

    /// Cancels all deliveries.
    ///
    /// - Returns: their leases, to be handed back.
    func abandonAll() -> [ItemLease] {
        let deliveries = state.withLock { state in
            state.isAbandoned = true
            defer { (state.deliveries, state.bytes) = ([:], 0) }
            return Array(state.deliveries.values)
        }
        for delivery in deliveries { delivery.task?.cancel() }
        return deliveries.map(\.lease)
    }
}
