import AgentResponses
import Batching
import Contracts
import EventOutbox
import Foundation
import JSONBytes
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

    package init(
        caller: UUID? = nil, target: Target, message: A2AMessage, duration: Duration, status: String = "ok",
        error: String? = nil, answer: AgentAnswer? = nil, isConsole: Bool = false
    ) {
        self.caller = caller
        self.target = target
        self.message = message
        self.duration = duration
        self.status = status
        self.error = error
        self.answer = answer
        self.isConsole = isConsole
    }
}

/// Notes what calls did: a row of the feed, the workspaces' last calls, and word to the console.
package final class CallRecorder: Sendable {
    /// Larger bodies do not travel in the event; the console finds them in the feed.
    private static let eventBytes = 256 * 1024
    /// Of one message to the broker, which takes 16 MiB.
    private static let messageBytes = 4 << 20
    private static let touchInterval: Duration = .seconds(1)
    private static let touchedLimit = 100_000

    /// An answer on its way to the console; written as JSON with others, behind the call's back.
    private struct ConsoleAnswer: Sendable {
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
    private let answers: Batcher<ConsoleAnswer, Void>
    private let touches: Batcher<Touch, Void>
    private let touched = Mutex<[Touch: ContinuousClock.Instant]>([:])

    package init(
        activity: A2AProxySettings.Activity, writer: ActivityWriter, targets: TargetStore, broadcast: EventBroadcast
    ) {
        self.activity = activity
        self.writer = writer
        answers = Batcher(limit: 200, capacity: 5_000) { answers in
            let events = answers.map { (workspace: $0.workspace, data: $0.data) }
            for slice in events.sliced(by: { $0.data.bytes.count }, upTo: Self.messageBytes) {
                broadcast.send(.a2aResponse, Array(slice))
            }
            return answers.map { _ in }
        }
        touches = Batcher(limit: 1000, capacity: 50_000) { touches in
            // Only what hibernation and a person look at; the next call touches again.
            try? await targets.touch(Array(Set(touches)))
            return touches.map { _ in }
        }
    }

    /// Notes that workspaces send or receive something, so that none is sent to sleep for being idle: when a call begins, and
    /// again while it goes on for long.
    package func note(_ touches: [Touch]) {
        for touch in touches { self.touch(touch) }
    }

    /// Notes that a call is over. Costs little and waits for nothing.
    package func record(_ record: CallRecord) {
        add(row(of: record))
        if record.status == "ok" {
            if let caller = record.caller { touch(Touch(workspace: caller, isSender: true)) }
            touch(Touch(workspace: record.target.id, isSender: false))
        }
        if record.isConsole, let answer = record.answer, answer.body.count <= Self.eventBytes {
            answers.add(
                ConsoleAnswer(
                    workspace: record.target.id,
                    // Streams do not know what their viewers may read of it.
                    body: PrivateBody.isMarked(record.message.bytes) ? Array("null".utf8) : answer.body,
                    method: record.message.method,
                    milliseconds: record.duration.milliseconds))
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
