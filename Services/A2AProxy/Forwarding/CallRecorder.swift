import ActivityFeed
import AgentResponses
import Batching
import Contracts
import EventOutbox
import Foundation
import JSONBytes
import Synchronization

/// The record of a finished call.
package struct CallRecord: Sendable {
    package var caller: UUID?
    package var target: Target
    package var message: AgentRequest
    package var duration: Duration
    /// `ok`, `error` or `queued`.
    package var status = "ok"
    package var error: String?
    package var response: AgentResponse?
    /// Whether a person sent the message from the console.
    package var isConsole = false

    package init(
        caller: UUID? = nil, target: Target, message: AgentRequest, duration: Duration, status: String = "ok",
        error: String? = nil, response: AgentResponse? = nil, isConsole: Bool = false
    ) {
        self.caller = caller
        self.target = target
        self.message = message
        self.duration = duration
        self.status = status
        self.error = error
        self.response = response
        self.isConsole = isConsole
    }
}

/// Records calls: a row of the feed, the workspaces' last activity, and the console's response event.
package final class CallRecorder: Sendable {
    /// Larger bodies are not in the event; the console reads them from the feed.
    private static let eventBytes = 256 * 1024
    /// Bytes of one message to the broker, which accepts 16 MiB.
    private static let messageBytes = 4 << 20
    private static let activityInterval: Duration = .seconds(1)
    private static let recentLimit = 100_000

    /// A response to be sent to the console; encoded asynchronously in batches.
    private struct ConsoleResponse: Sendable {
        let workspace: UUID
        let body: [UInt8]
        let method: String
        let milliseconds: Int

        /// The data of `a2a.response`, written by hand: there is one for each call of the console.
        var data: RawJSON {
            var writer = JSONWriter(reservingCapacity: body.count + 96)
            writer.object { writer in
                writer.member("response_body", raw: RawJSON(asJSON: body).bytes)
                writer.member("method", method)
                writer.member("duration_ms", milliseconds)
            }
            return RawJSON(unchecked: writer.bytes)
        }
    }

    package let writer: ActivityWriter
    private let activity: A2AProxySettings.Activity
    private let responses: Batcher<ConsoleResponse, Void>
    private let activities: Batcher<CallParty, Void>
    private let recent = Mutex<[CallParty: ContinuousClock.Instant]>([:])

    package init(
        activity: A2AProxySettings.Activity, writer: ActivityWriter, targets: TargetStore, broadcast: EventBroadcast
    ) {
        self.activity = activity
        self.writer = writer
        responses = Batcher(limit: 200, capacity: 5_000) { responses in
            let events = responses.map { (workspace: $0.workspace, data: $0.data) }
            for slice in events.sliced(by: { $0.data.bytes.count }, upTo: Self.messageBytes) {
                broadcast.send(.a2aResponse, Array(slice))
            }
            return responses.map { _ in }
        }
        activities = Batcher(limit: 1000, capacity: 50_000) { parties in
            // Read by hibernation and by people only; after an error the next call writes it again.
            try? await targets.markUsed(Array(Set(parties)))
            return parties.map { _ in }
        }
    }

    /// Records that workspaces send or receive something, so that none is hibernated as idle: when a call begins, and
    /// periodically while a long one is in flight.
    package func note(_ parties: [CallParty]) {
        for party in parties { recordActivity(of: party) }
    }

    /// Records that a call is over. Cheap and non-blocking.
    package func record(_ record: CallRecord) {
        add(row(of: record))
        if record.status == "ok" {
            if let caller = record.caller { recordActivity(of: CallParty(workspace: caller, isSender: true)) }
            recordActivity(of: CallParty(workspace: record.target.id, isSender: false))
        }
        if record.isConsole, let response = record.response, response.body.count <= Self.eventBytes {
            responses.add(
                ConsoleResponse(
                    workspace: record.target.id,
                    // A stream is not filtered by what each of its viewers may read.
                    body: PrivateBody.isMarked(record.message.bytes) ? Array("null".utf8) : response.body,
                    method: record.message.method,
                    milliseconds: Int(record.duration / .milliseconds(1))))
        }
    }

    /// Adds a row to the feed, unless rows are switched off.
    package func add(_ row: @autoclosure () -> ActivityRow) {
        if activity != .off { writer.add(row()) }
    }

    private func row(of record: CallRecord) -> ActivityRow {
        var row = ActivityRow(
            workspace: record.target.id, type: .a2aReceive,
            summary: "\(record.message.method) → \(record.target.name)")
        row.source = record.caller
        row.target = record.target.id
        row.method = record.message.method
        row.status = record.status
        row.error = record.error
        row.durationMilliseconds = Int(record.duration / .milliseconds(1))
        row.keepsBodies = activity == .full
        row.request = activity == .full ? record.message.bytes : nil
        row.response = record.response?.body
        return row
    }

    private func recordActivity(of party: CallParty) {
        let now = ContinuousClock.now
        let isDue = recent.withLock { recent in
            if let last = recent[party], now - last < Self.activityInterval { return false }
            if recent.count >= Self.recentLimit { recent.removeAll() }
            recent[party] = now
            return true
        }
        if isDue { activities.add(party) }
    }
}
