import Foundation

/// A row of the feed about a run of a schedule, written in the transaction that records its end.
package struct RunActivity: Sendable {
    package var id: UUID
    package var workspace: UUID
    package var schedule: UUID
    package var summary: String
    /// What was sent, as JSON.
    package var request: [UInt8]
    /// One of the statuses of schedules.
    package var status: String
    /// Nil when nothing was delivered.
    package var milliseconds: Int?
    package var error: String?
    package var at: Date

    package init(
        id: UUID, workspace: UUID, schedule: UUID, summary: String, request: [UInt8], status: String,
        milliseconds: Int?, error: String?, at: Date
    ) {
        self.id = id
        self.workspace = workspace
        self.schedule = schedule
        self.summary = summary
        self.request = request
        self.status = status
        self.milliseconds = milliseconds
        self.error = error
        self.at = at
    }
}
