import AgentResponses
import Foundation
import JSONBytes

/// An agent's result for a message that was queued, parsed from its stored response in either version of the protocol.
package enum AgentResult: Sendable, Equatable {
    /// A task of its own.
    ///
    /// - Parameter final: the task as JSON, when it has ended and is in the requested version.
    case task(id: String, final: [UInt8]?)
    /// A message, as JSON.
    case message([UInt8])
    /// A JSON-RPC error's message.
    case failed(String)
    /// Anything else: the text in it.
    case text(String)

    /// - Parameters:
    ///   - stored: one JSON-RPC response, or the events of a stream.
    ///   - version: of the client's request.
    package init(_ stored: [UInt8], in version: JSONRPCRequest.Version) {
        let responses = Self.responses(stored)
        self =
            responses.lazy.compactMap { Self.read($0, version, isWhole: responses.count == 1) }.first
            ?? .text(ResponseText.extract(from: stored))
    }

    private static func responses(_ stored: [UInt8]) -> [JSONSlice] {
        if let response = try? JSONSlice(validating: stored) { return [response] }
        return ServerSentEvents.data(in: stored).compactMap { try? JSONSlice(validating: $0) }
    }

    private static func read(
        _ response: JSONSlice, _ version: JSONRPCRequest.Version, isWhole: Bool
    ) -> AgentResult? {
        if let error = response.find("error"), !error.isNull {
            return .failed(error.find("message")?.string ?? "the agent answered with an error")
        }
        guard let result = response.find("result") else { return nil }
        let tasks: [(JSONSlice?, JSONRPCRequest.Version)] = [(result.find("task"), .v1), (kind(result, "task"), .v03)]
        for (task, itsVersion) in tasks {
            guard let task, let id = task.find("id")?.string else { continue }
            let isFinal = isWhole && itsVersion == version && isTerminal(task.find("status", "state")?.string)
            return .task(id: id, final: isFinal ? Array(task.bytes) : nil)
        }
        if let message = version == .v1 ? result.find("message") : kind(result, "message") {
            return .message(Array(message.bytes))
        }
        let updated =
            result.find("taskId") ?? result.find("statusUpdate", "taskId") ?? result.find("artifactUpdate", "taskId")
        return updated?.string.map { AgentResult.task(id: $0, final: nil) }
    }

    private static func kind(_ result: JSONSlice, _ name: String) -> JSONSlice? {
        result.find("kind")?.string == name ? result : nil
    }

    private static func isTerminal(_ state: String?) -> Bool {
        let ends = ["completed", "failed", "canceled", "rejected"]
        return state.map { ends.contains($0) || ends.contains($0.dropFirst("TASK_STATE_".count).lowercased()) } ?? false
    }
}
