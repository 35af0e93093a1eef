import AgentResponses
import Contracts
import Foundation
import JSONBytes
import PlatformInternals

/// A run whose queue item has ended.
package struct EndedRun: Sendable, Hashable {
    /// The end of its queue item.
    package enum End: Sendable, Hashable {
        /// The agent's response; nil for one above ``RunOutcome/responseLimit``, which is not empty.
        case completed(response: [UInt8]?)
        case failed(error: String?)
        /// It was not delivered before it expired.
        ///
        /// - Parameters:
        ///   - error: the error of the last attempt; nil when there was none.
        ///   - wasTried: whether the agent had received it, or failed at it.
        case expired(error: String?, wasTried: Bool)
        /// It was dropped from the queue.
        case dropped(reason: String?)
    }

    package var end: End
    /// Its workspace's status at the end.
    package var status: WorkspaceStatus?
    package var activeTasks: Int

    package init(end: End, status: WorkspaceStatus? = .online, activeTasks: Int = 0) {
        self.end = end
        self.status = status
        self.activeTasks = activeTasks
    }
}

/// The outcome of an ended run, for its schedule.
package struct RunOutcome: Sendable, Hashable {
    package var status: ScheduleStatus
    package var error: String?
    /// Consecutive empty responses, including this one.
    package var emptyRuns: Int

    package init(status: ScheduleStatus, error: String? = nil, emptyRuns: Int = 0) {
        self.status = status
        self.error = error
        self.emptyRuns = emptyRuns
    }

    /// After this many consecutive empty responses a schedule counts as stale.
    package static let staleAfter = 3
    /// Bytes of a response that are examined: longer ones count as not empty.
    package static let responseLimit = 64 << 10

    /// - Parameter emptyRuns: the consecutive empty responses before.
    package init(of run: EndedRun, emptyRuns: Int) {
        switch run.end {
        case .completed(nil): self.init(status: .ok)
        case .completed(let response?): self.init(response: response, emptyRuns: emptyRuns)
        case .failed(let error): self.init(status: .error, error: error ?? "not delivered", emptyRuns: emptyRuns)
        case .expired(let error?, let wasTried) where wasTried || error == ErrorMessage.agentUnreachable:
            self.init(status: .error, error: "not done in time: \(error)", emptyRuns: emptyRuns)
        case .expired(ErrorMessage.budgetExceeded?, _):
            self.init(status: .skipped, error: "skipped: \(ErrorMessage.budgetExceeded)", emptyRuns: emptyRuns)
        case .expired where run.status == .online || run.status == .degraded:
            self.init(
                status: .skipped, error: ErrorMessage.scheduleSkippedBusy(activeTasks: run.activeTasks),
                emptyRuns: emptyRuns)
        case .expired:
            self.init(
                status: .skipped, error: ErrorMessage.scheduleSkipped(workspace: run.status ?? .removed),
                emptyRuns: emptyRuns)
        case .dropped(let reason):
            self.init(status: .skipped, error: "skipped: \(reason ?? "dropped")", emptyRuns: emptyRuns)
        }
    }

    private init(response: [UInt8], emptyRuns: Int) {
        let events = ServerSentEvents.data(in: response).compactMap { try? JSONSlice(validating: $0) }
        let responses = (try? JSONSlice(validating: response)).map { [$0] } ?? events
        if let error = responses.lazy.compactMap(Self.error).first {
            // An escaped NUL is valid JSON, but cannot be stored.
            self.init(status: .error, error: error.withoutNUL, emptyRuns: emptyRuns)
        } else if responses.isEmpty
            ? Self.isNothing(String(decoding: response, as: UTF8.self)) : !responses.contains(where: Self.hasContent)
        {
            let isStale = emptyRuns + 1 >= Self.staleAfter
            self.init(
                status: isStale ? .stale : .ok,
                error: isStale ? "empty response \(emptyRuns + 1) times in a row" : nil, emptyRuns: emptyRuns + 1)
        } else {
            self.init(status: .ok)
        }
    }

    /// The agent's error: a JSON-RPC error, or a task that failed or was rejected.
    private static func error(in body: JSONSlice) -> String? {
        if let error = body.find("error"), !error.isNull {
            return error.find("message")?.string ?? error.string ?? "the agent answered with an error"
        }
        guard let state = state(of: body), ["failed", "rejected", "canceled", "cancelled"].contains(state) else {
            return nil
        }
        return ResponseText.words(of: Array(body.bytes)).map { "task \(state): \($0)" } ?? "task \(state)"
    }

    /// A task's state, as A2A 0.3 names it.
    private static func state(of body: JSONSlice) -> String? {
        let task = body.find("result", "task") ?? body.find("result", "statusUpdate") ?? body.find("result")
        return task?.find("status", "state")?.string?.lowercased().replacing("task_state_", with: "")
    }

    /// Whether a message or a task, of A2A 0.3 or 1.0, has text, a file or data. A task that has not ended counts as
    /// having content.
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

    /// Whether a text is empty, or is the placeholder that agents in the field use.
    private static func isNothing(_ text: String) -> Bool {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return text.isEmpty || text == "(no response generated)"
    }
}
