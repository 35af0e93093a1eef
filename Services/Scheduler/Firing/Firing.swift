import Contracts
import EventOutbox
import Foundation
import Observability
import PostgresClient
import Synchronization

/// Fires what is due, batch after batch. Any number of instances may at once.
package struct Firing: Sendable {
    private let store: FiringStore
    private let relay: EventRelay
    private let broadcast: EventBroadcast
    private let metrics: SchedulerMetrics
    private let logger: Logger

    package init(
        store: FiringStore, relay: EventRelay, broadcast: EventBroadcast, metrics: SchedulerMetrics, logger: Logger
    ) {
        self.store = store
        self.relay = relay
        self.broadcast = broadcast
        self.metrics = metrics
        self.logger = logger
    }

    /// How long one look fires before it says that it did.
    private static let longestLook: Duration = .seconds(5)

    /// Fires what is due that nobody else is firing, batch after batch while there are full ones.
    ///
    /// - Returns: what was done, by name.
    package func fireDue() async throws -> [String: Int] {
        var counts = ["fired": 0, "skipped": 0, "broken": 0]
        let end = ContinuousClock.now + Self.longestLook
        while !Task.isCancelled {
            let fired = try await fireBatch()
            counts["fired", default: 0] += fired.runs
            counts["skipped", default: 0] += fired.skipped.count
            counts["broken", default: 0] += fired.broken.count
            if !fired.isFull || .now >= end { break }
        }
        return counts
    }

    /// Computes the first slots of schedules that came with a template.
    ///
    /// - Returns: of how many.
    package func plan() async throws -> Int {
        var count = 0
        while !Task.isCancelled {
            let planned = try await store.plan()
            count += planned
            if planned < FiringStore.batch { break }
        }
        return count
    }

    private func fireBatch() async throws -> Fired {
        let claimed = Mutex<[UUID]>([])
        do {
            let fired = try await store.fire { ids in claimed.withLock { $0 = ids } }
            tell(fired)
            return fired
        } catch let error as PostgresError where error.isOfARow {
            // Some row of the batch is one that the database does not take: the others must not wait for it.
            let ids = claimed.withLock { $0 }
            guard !ids.isEmpty else { throw error }
            return try await fireParts(of: ids, error)
        }
    }

    /// Halves a batch until what cannot be fired is alone.
    private func fireParts(of ids: [UUID], _ error: PostgresError) async throws -> Fired {
        if ids.count == 1 {
            logger.warning(
                "schedule cannot be fired, put off", [.scheduleID: .uuid(ids[0]), .error: .error(error)])
            try await store.postpone(ids[0], because: "could not be fired: an internal error")
            metrics.broken.increment()
            return Fired(schedules: ids, broken: [(ids[0], "\(error)")])
        }
        // What came after the batch is still there.
        var all = Fired(isFull: true)
        for part in [ids[..<(ids.count / 2)], ids[(ids.count / 2)...]] {
            let fired: Fired
            do {
                fired = try await store.fire(Array(part))
                tell(fired)
            } catch let error as PostgresError where error.isOfARow {
                fired = try await fireParts(of: Array(part), error)
            }
            all.schedules += fired.schedules
            all.skipped += fired.skipped
            all.broken += fired.broken
            all.runs += fired.runs
        }
        return all
    }

    private func tell(_ fired: Fired) {
        guard !fired.schedules.isEmpty else { return }
        relay.committed(fired.events)
        broadcast.tell(of: fired.skipped)
        metrics.note(fired)
        for (schedule, reason) in fired.broken {
            logger.warning(
                "schedule cannot be computed, put off", [.scheduleID: .uuid(schedule), .reason: .string(reason)])
        }
    }
}

extension PostgresError {
    /// It may be about what is in one row: data that does not fit, a constraint, a trigger's refusal, a value too large for
    /// an index, a value that is damaged on the disk. Everything else is about all rows, and putting one off would mend
    /// nothing.
    var isOfARow: Bool {
        sqlState == "XX001" || ["22", "23", "P0", "54"].contains(sqlState.map { String($0.prefix(2)) })
    }
}

extension EventBroadcast {
    /// Tells viewers of rows of the feed.
    func tell(of records: [RunRecord]) {
        // What cannot be written as JSON is in the row all the same.
        let events = records.compactMap { record in
            (try? record.logged()).map { (workspace: record.workspace, data: $0) }
        }
        if !events.isEmpty { send(.activityLogged, events) }
    }
}
