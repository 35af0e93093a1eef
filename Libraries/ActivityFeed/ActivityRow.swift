import Contracts
import Foundation
import JSONBytes

/// A row of the feed about a message, to be written behind it.
package struct ActivityRow: Sendable {
    package var id = UUID()
    package var workspace: UUID
    package var type: ActivityType
    package var source: UUID?
    package var target: UUID?
    package var method: String?
    package var summary: String
    package var request: [UInt8]?
    /// The agent's response, which the trace and the tokens are read from, too.
    package var response: [UInt8]?
    /// Whether the response is kept; the facts in it are in any case.
    package var keepsBodies = true
    package var status = "ok"
    package var durationMilliseconds: Int?
    package var error: String?
    package var createdAt = Date()

    package init(workspace: UUID, type: ActivityType, summary: String) {
        self.workspace = workspace
        self.type = type
        self.summary = summary
    }

    /// The memory that the bodies and the error take, for cutting batches.
    package var weight: Int { (request?.count ?? 0) + (response?.count ?? 0) + (error?.utf8.count ?? 0) + 500 }
}

/// What the feed shows of an agent's response beside its bytes.
package struct ResponseFacts: Sendable, Hashable {
    /// The tools it used, as JSON.
    package var toolTrace: [UInt8]?
    /// Tokens it read.
    package var inputTokens: Int?
    /// Tokens it wrote.
    package var outputTokens: Int?

    package init(toolTrace: [UInt8]? = nil, inputTokens: Int? = nil, outputTokens: Int? = nil) {
        self.toolTrace = toolTrace
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
    }

    /// - Parameter response: a JSON-RPC response: the trace in `result.metadata.tool_trace`, the tokens in `result.usage` or
    ///   `usage`, in either of the two usual spellings.
    package init(_ response: JSONSlice) {
        toolTrace = response.find("result", "metadata", "tool_trace").flatMap { $0.isNull ? nil : Array($0.bytes) }
        guard let usage = response.find("result", "usage") ?? response.find("usage") else { return }
        inputTokens = (usage.find("input_tokens") ?? usage.find("prompt_tokens"))?.int
        outputTokens = (usage.find("output_tokens") ?? usage.find("completion_tokens"))?.int
    }
}
