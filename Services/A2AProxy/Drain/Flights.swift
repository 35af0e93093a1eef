import Foundation
import Synchronization

/// The deliveries of queue items that run in this process, with their leases.
package final class Flights: Sendable {
    private struct Flight {
        let lease: Lease
        let bytes: Int
        /// Until when nobody else claims the item, by this process's clock and at the earliest.
        var leasedUntil: ContinuousClock.Instant
        var task: Task<Void, Never>?
        /// The call is over and its outcome is being written: the row may say so before this does.
        var isFinishing = false
    }

    private struct State {
        var flights: [UUID: Flight] = [:]
        /// Of the bodies of all.
        var bytes = 0
        /// A shutdown gave everything up: what ends now writes nothing.
        var isAbandoned = false

        mutating func set(_ item: UUID, _ flight: Flight?) {
            bytes += (flight?.bytes ?? 0) - (flights[item]?.bytes ?? 0)
            flights[item] = flight
        }
    }

    private let state = Mutex(State())

    package init() {}

    package var count: Int { state.withLock { $0.flights.count } }

    /// How many there are, and the bytes of their bodies.
    package var load: (count: Int, bytes: Int) {
        state.withLock { ($0.flights.count, $0.bytes) }
    }

    package var leases: [Lease] { state.withLock { $0.flights.values.map(\.lease) } }

    /// Starts a delivery and keeps its lease until it ends.
    ///
    /// An earlier delivery of the item may still run here: its lease ran out while this process stood still, and the
    /// item came back to it. It ends, so that the agent is not called twice at once.
    package func begin(
        _ lease: Lease, bytes: Int = 0, until leasedUntil: ContinuousClock.Instant, _ start: () -> Task<Void, Never>
    ) {
        let earlier = state.withLock { state in
            defer { state.set(lease.item, Flight(lease: lease, bytes: bytes, leasedUntil: leasedUntil)) }
            return state.flights[lease.item]?.task
        }
        earlier?.cancel()
        let task = start()
        let isOver = state.withLock { state in
            if state.flights[lease.item]?.lease == lease { state.flights[lease.item]?.task = task }
            return state.isAbandoned
        }
        if isOver { task.cancel() }
    }

    package func end(_ lease: Lease) {
        state.withLock { state in
            if state.flights[lease.item]?.lease == lease { state.set(lease.item, nil) }
        }
    }

    /// The call is over; only its outcome has to be written.
    package func finishing(_ lease: Lease) {
        state.withLock { state in
            if state.flights[lease.item]?.lease == lease { state.flights[lease.item]?.isFinishing = true }
        }
    }

    /// Whether a call of this lease is going on.
    func isCalling(_ lease: Lease) -> Bool {
        state.withLock { state in
            guard let flight = state.flights[lease.item], flight.lease == lease else { return false }
            return !flight.isFinishing
        }
    }

    /// Whether the delivery still has its lease, as far as this process knows.
    func holds(_ lease: Lease) -> Bool {
        state.withLock { !$0.isAbandoned && $0.flights[lease.item]?.lease == lease }
    }

    /// Notes that the database has extended the leases of these items.
    package func extended(_ items: Set<UUID>, until leasedUntil: ContinuousClock.Instant) {
        state.withLock { state in
            for item in items { state.flights[item]?.leasedUntil = leasedUntil }
        }
    }

    /// The calls whose lease runs out by then. One that is over is not among them: its outcome may still be written.
    package func calling(withLeaseUntil instant: ContinuousClock.Instant) -> [Lease] {
        state.withLock { state in
            state.flights.values.filter { !$0.isFinishing && $0.leasedUntil <= instant }.map(\.lease)
        }
    }

    /// Ends the delivery of an item whose lease is another's now, or may be.
    package func lose(_ lease: Lease) {
        let task = state.withLock { state -> Task<Void, Never>? in
            guard let flight = state.flights[lease.item], flight.lease == lease else { return nil }
            state.set(lease.item, nil)
            return flight.task
        }
        task?.cancel()
    }

    /// Ends all deliveries.
    ///
    /// - Returns: their leases, to be handed back.
    func abandonAll() -> [Lease] {
        let flights = state.withLock { state in
            state.isAbandoned = true
            defer { (state.flights, state.bytes) = ([:], 0) }
            return Array(state.flights.values)
        }
        for flight in flights { flight.task?.cancel() }
        return flights.map(\.lease)
    }
}
