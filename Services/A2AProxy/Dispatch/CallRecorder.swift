import Batching
import Contracts
import EventOutbox
import Foundation
import Synchronization

/// What remains of a call when it is over.
package struct CallRecord: Sendable {
    package var caller: UUID?
    package var target: Target
    package var message: A2AMessage
    package var duration: Duration
    /// `ok`, `error` or `queued`.
    package var status = "ok"
    package var error: String?
    package var answer: AgentAnswer?
    /// A person waits for it at the console.
    package var isConsole = false
}

/// Notes what calls did: a row of the feed, the workspaces' last calls, and word to the console.
package final class CallRecorder: Sendable {
    /// Larger bodies do not travel in the event; the console finds them in the feed.
    private static let eventBytes = 256 * 1024
    private static let touchInterval: Duration = .seconds(1)
    private static let touchedLimit = 100_000

    private struct ConsoleAnswer: Sendable {
        let workspace: UUID
        let data: A2AResponse
    }

    package let writer: ActivityWriter
    private let activity: A2AProxySettings.Activity
    private let answers: Batcher<ConsoleAnswer, Void>
    private let touches: Batcher<Touch, Void>
    private let touched = Mutex<[Touch: ContinuousClock.Instant]>([:])

    package init(
        activity: A2AProxySettings.Activity, writer: ActivityWriter, targets: TargetStore, broadcast: EventBroadcast
    ) {
        self.activity = activity
        self.writer = writer
        answers = Batcher(limit: 200, capacity: 5_000) { answers in
            broadcast.send(
                .a2aResponse,
                answers.compactMap { answer in
                    (try? RawJSON(encoding: answer.data)).map { (workspace: answer.workspace, data: $0) }
                })
            return answers.map { _ in }
        }
        touches = Batcher(limit: 1000, capacity: 50_000) { touches in
            // Only what hibernation and a person look at; the next call touches again.
            try? await targets.touch(Array(Set(touches)))
            return touches.map { _ in }
        }
    }

    /// Notes that a call is over. Costs little and waits for nothing.
    package func record(_ record: CallRecord) {
        add(row(of: record))
        if record.status == "ok" {
            if let caller = record.caller { touch(Touch(workspace: caller, isSender: true)) }
            touch(Touch(workspace: record.target.id, isSender: false))
        }
        if record.isConsole, let answer = record.answer, answer.body.count <= Self.eventBytes {
            let data = A2AResponse(
                responseBody: RawJSON(asJSON: answer.body), method: record.message.method,
                durationMilliseconds: record.duration.milliseconds)
            answers.add(ConsoleAnswer(workspace: record.target.id, data: data))
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
        row.durationMilliseconds = record.duration.milliseconds
        row.keepsBodies = activity == .full
        row.request = activity == .full ? record.message.bytes : nil
        row.response = record.answer?.body
        return row
    }

    private func touch(_ touch: Touch) {
        let now = ContinuousClock.now
        let isDue = touched.withLock { touched in
            if let last = touched[touch], now - last < Self.touchInterval { return false }
            if touched.count >= Self.touchedLimit { touched.removeAll() }
            touched[touch] = now
            return true
        }
        if isDue { touches.add(touch) }
    }
}

extension Duration {
    var milliseconds: Int {
        Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }
}
