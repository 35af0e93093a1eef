import ActivityFeed
import Contracts
import EventOutbox
import Foundation
import Postgres

/// Writes the history of schedules: a row of the feed and a durable event each, in the transaction of what they report.
struct RunLog: Sendable {
    private static let tell = Statement(
        "run_events",
        """
        INSERT INTO structure_events (id, type, workspace_id, source, data)
        SELECT i.id, i.type, i.workspace_id, $4, i.data::json
        FROM unnest($5::uuid[], $1::text[], $2::uuid[], $3::text[]) WITH ORDINALITY
            AS i (id, type, workspace_id, data, n) ORDER BY n
        RETURNING \(CommittedEvent.columns)
        """)

    /// An event to be recorded.
    struct Event: Sendable {
        var type: EventType
        var workspace: UUID
        var data: RawJSON
    }

    let source: String

    /// Writes records and events.
    ///
    /// - Returns: the events, those of the records first.
    func write(
        _ records: [RunRecord], _ events: [Event] = [], _ transaction: Transaction
    ) async throws -> [CommittedEvent] {
        let recorded =
            try records.map { Event(type: $0.eventType, workspace: $0.workspace, data: try $0.event()) } + events
        guard !recorded.isEmpty else { return [] }
        let tell = Call(
            Self.tell,
            [
                recorded.map(\.type.rawValue), recorded.map(\.workspace),
                recorded.map { String(decoding: $0.data.bytes, as: UTF8.self) }, source,
                // The server makes an id from the system's randomness, in as much time as it takes to write the row.
                recorded.map { _ in UUID() },
            ])
        let calls = records.isEmpty ? [tell] : [ActivityLogStore.inserting(records.map(\.activity)), tell]
        let rows = try await transaction.query(calls)
        return try rows[rows.count - 1].compactMap { CommittedEvent(row: $0) }
    }
}

extension RunRecord {
    fileprivate var activity: RunActivity {
        RunActivity(
            id: id, workspace: workspace, schedule: schedule, summary: summary, request: request,
            status: status.rawValue, milliseconds: milliseconds, error: error, at: at)
    }
}
