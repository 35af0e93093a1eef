import AgentResponses
import Contracts
import Foundation
import JSONBytes

/// A run whose queue item has ended.
package struct EndedRun: Sendable, Hashable {
    /// How its queue item ended.
    package enum End: Sendable, Hashable {
        /// The agent's response; nil for one so large that it says something.
        case completed(response: [UInt8]?)
        case failed(error: String?)
        /// It was not done within the time that a run waits.
        ///
        /// - Parameters:
        ///   - error: what was said of the last try; nil when there was none.
        ///   - wasTried: the agent had it, or failed at it.
        case expired(error: String?, wasTried: Bool)
        /// Somebody took it out of the queue.
        case dropped(reason: String?)
    }

    package var end: End
    /// Of its workspace, at the end.
    package var status: WorkspaceStatus?
    package var activeTasks: Int

    package init(end: End, status: WorkspaceStatus? = .online, activeTasks: Int = 0) {
        self.end = end
        self.status = status
        self.activeTasks = activeTasks
    }
}

/// What a run that has ended says about its schedule.
package struct RunOutcome: Sendable, Hashable {
    package var status: ScheduleStatus
    package var error: String?
    /// Empty responses in a row, with this one.
    package var emptyRuns: Int

    package init(status: ScheduleStatus, error: String? = nil, emptyRuns: Int = 0) {
        self.status = status
        self.error = error
        self.emptyRuns = emptyRuns
    }

    /// So many empty responses in a row are no accident.
    package static let staleAfter = 3
    /// Bytes of a response that are looked at: what is longer says something.
    package static let responseLimit = 64 << 10

    /// - Parameter emptyRuns: empty responses in a row before.
    package init(of run: EndedRun, emptyRuns: Int) {
        switch run.end {
        case .completed(nil): self.init(status: .ok)
        case .completed(let response?): self.init(response: response, emptyRuns: emptyRuns)
        case .failed(let error): self.init(status: .error, error: error ?? "not delivered", emptyRuns: emptyRuns)
        case .expired(let error?, let wasTried) where wasTried || error == Sentence.agentUnreachable:
            self.init(status: .error, error: "not done in time: \(error)", emptyRuns: emptyRuns)
        case .expired(Sentence.budgetExceeded?, _):
            self.init(status: .skipped, error: "skipped: \(Sentence.budgetExceeded)", emptyRuns: emptyRuns)
        case .expired where run.status == .online || run.status == .degraded:
            self.init(
                status: .skipped, error: Sentence.scheduleSkippedBusy(activeTasks: run.activeTasks),
                emptyRuns: emptyRuns)
        case .expired:
            self.init(
                status: .skipped, error: Sentence.scheduleSkipped(workspace: run.status ?? .removed),
                emptyRuns: emptyRuns)
        case .dropped(let reason):
            self.init(status: .skipped, error: "skipped: \(reason ?? "dropped")", emptyRuns: emptyRuns)
        }
    }

    private init(response: [UInt8], emptyRuns: Int) {
        let events = ServerSentEvents.data(in: response).compactMap { try? JSONSlice(validating: $0) }
        let answers = (try? JSONSlice(validating: response)).map { [$0] } ?? events
        if let error = answers.lazy.compactMap(Self.error).first {
            // An escaped NUL is JSON, and no text that can be stored.
            self.init(status: .error, error: error.withoutNUL, emptyRuns: emptyRuns)
        } else if answers.isEmpty
            ? Self.isNothing(String(decoding: response, as: UTF8.self)) : !answers.contains(where: Self.hasContent)
        {
            let isStale = emptyRuns + 1 >= Self.staleAfter
            self.init(
                status: isStale ? .stale : .ok,
                error: isStale ? "empty response \(emptyRuns + 1) times in a row" : nil, emptyRuns: emptyRuns + 1)
        } else {
            self.init(status: .ok)
        }
    }

    /// What an agent says went wrong: a JSON-RPC error, or a task that it failed or refused.
    private static func error(in body: JSONSlice) -> String? {
        if let error = body.find("error"), !error.isNull {
            return error.find("message")?.string ?? error.string ?? "the agent answered with an error"
        }
        guard let state = state(of: body), ["failed", "rejected", "canceled", "cancelled"].contains(state) else {
            return nil
        }
        return ResponseText.words(of: Array(body.bytes)).map { "task \(state): \($0)" } ?? "task \(state)"
    }

    /// Of a task, in the words of A2A 0.3.
    private static func state(of body: JSONSlice) -> String? {
        let task = body.find("result", "task") ?? body.find("result", "statusUpdate") ?? body.find("result")
        return task?.find("status", "state")?.string?.lowercased().replacing("task_state_", with: "")
    }

    /// Whether a message or a task, of A2A 0.3 or 1.0, has words, a file or data for its reader. A task that has only begun
    /// has something to come.
    private static func hasContent(_ body: JSONSlice) -> Bool {
        guard let result = body.find("result") else {
            return body.kind != .null && !(body.string.map(isNothing) ?? false)
        }
        if let text = result.string { return !isNothing(text) }
        if let state = state(of: body), state != "completed" { return true }
        let task = result.find("task") ?? result
        let messages = [result, result.find("message"), task.find("status", "message"), task.find("artifact")]
        return (messages.compactMap(\.self) + (task.find("artifacts")?.elements ?? [])).contains { holder in
            (holder.find("parts")?.elements ?? []).contains { part in
                part.find("text").map { !isNothing($0.string ?? "") } ?? true
            }
        }
    }

    /// Nothing, or the words by which agents in the field say so.
    private static func isNothing(_ text: String) -> Bool {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return text.isEmpty || text == "(no response generated)"
    }
}
