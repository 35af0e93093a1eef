import Contracts
import EventOutbox
import Foundation
import Observability
import Postgres
import Synchronization

/// Fires due schedules in batches. Any number of instances may do so concurrently.
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

    /// The time limit of one run, so that its tick is reported.
    private static let runLimit: Duration = .seconds(5)

    /// Fires due schedules that no other instance has claimed, while batches are full.
    ///
    /// - Returns: counts by name.
    package func fireDue() async throws -> [String: Int] {
        var counts = ["fired": 0, "skipped": 0, "broken": 0]
        let deadline = ContinuousClock.now + Self.runLimit
        while !Task.isCancelled {
            let fired = try await fireBatch()
            counts["fired", default: 0] += fired.runs
            counts["skipped", default: 0] += fired.skipped.count
            counts["broken", default: 0] += fired.broken.count
            if !fired.isFull || .now >= deadline { break }
        }
        return counts
    }

    /// Computes the first slots of schedules from templates.
    ///
    /// - Returns: the number of those schedules.
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
            publish(fired)
            return fired
        } catch let error as PostgresError where error.isOfARow {
            // The database rejects some row of the batch, which must not block the others.
            let ids = claimed.withLock { $0 }
            guard !ids.isEmpty else { throw error }
            return try await fireParts(of: ids, error)
        }
    }

    /// Bisects a batch to isolate the schedules that cannot be fired.
    private func fireParts(of ids: [UUID], _ error: PostgresError) async throws -> Fired {
        if ids.count == 1 {
            logger.warning(
                "schedule cannot be fired, postponed", [.scheduleID: .uuid(ids[0]), .error: .error(error)])
            try await store.postpone(ids[0], because: "could not be fired: an internal error")
            metrics.broken.increment()
            return Fired(schedules: ids, broken: [(ids[0], "\(error)")])
        }
        // There may be more due schedules after the batch.
        var all = Fired(isFull: true)
        for part in [ids[..<(ids.count / 2)], ids[(ids.count / 2)...]] {
            let fired: Fired
            do {
                fired = try await store.fire(Array(part))
                publish(fired)
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

    private func publish(_ fired: Fired) {
        guard !fired.schedules.isEmpty else { return }
        relay.committed(fired.events)
        broadcast.publish(of: fired.skipped)
        metrics.note(fired)
        for (schedule, reason) in fired.broken {
            logger.warning(
                "schedule cannot be computed, postponed", [.scheduleID: .uuid(schedule), .reason: .string(reason)])
        }
    }
}

extension PostgresError {
    /// Whether the error may be caused by one row: invalid data, a constraint, a trigger, a value too large for an
    /// index, or corrupted data. Other errors concern all rows, so that postponing one would not help.
    var isOfARow: Bool {
        sqlState == "XX001" || ["22", "23", "P0", "54"].contains(sqlState.map { String($0.prefix(2)) })
    }
}

extension EventBroadcast {
    /// Notifies viewers of rows of the feed.
    func publish(of records: [RunRecord]) {
        // A record that cannot be encoded as JSON is stored in its row all the same.
        let events = records.compactMap { record in
            (try? record.logged()).map { (workspace: record.workspace, data: $0) }
        }
        if !events.isEmpty { send(.activityLogged, events) }
    }
}
