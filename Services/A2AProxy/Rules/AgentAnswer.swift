import Contracts
import HTTPCore
import JSONBytes

/// What an agent answered, read to its end. A class, since it is passed on several times; immutable.
package final class AgentAnswer: Sendable {
    package let status: HTTPStatus
    package let contentType: String?
    /// The fields of the A2A protocol among its header.
    package let protocolHeaders: HTTPHeaders?
    package let body: [UInt8]
    /// What a large one takes of the memory for answers, for as long as it is held.
    package let share: AnswerShare?

    package init(
        status: HTTPStatus, contentType: String?, protocolHeaders: HTTPHeaders? = nil, body: [UInt8],
        share: AnswerShare? = nil
    ) {
        self.status = status
        self.contentType = contentType
        self.protocolHeaders = protocolHeaders
        self.body = body
        self.share = share
    }

    /// The body as JSON, nil when it is none.
    package var json: JSONSlice? { try? JSONSlice(validating: body) }

    /// The agent's own words for what went wrong: `error` as a string or its `message`, else the status' phrase. As
    /// many of them as a row, an event and a list can take: an agent may say ten megabytes.
    package var errorText: String {
        let error = json?.find("error")
        return (error?.string ?? error?.find("message")?.string ?? status.phrase).bounded(to: Limits.errorText)
    }

    /// What a feed shows beside the bodies.
    package struct Facts: Sendable, Hashable {
        package var toolTrace: [UInt8]?
        package var inputTokens: Int?
        package var outputTokens: Int?

        package init(toolTrace: [UInt8]? = nil, inputTokens: Int? = nil, outputTokens: Int? = nil) {
            self.toolTrace = toolTrace
            self.inputTokens = inputTokens
            self.outputTokens = outputTokens
        }

        /// - Parameter answer: a JSON-RPC answer: the trace in `result.metadata.tool_trace`, the tokens in
        ///   `result.usage` or `usage`, in either of the two usual spellings.
        package init(_ answer: JSONSlice) {
            toolTrace = answer.find("result", "metadata", "tool_trace").flatMap { $0.isNull ? nil : Array($0.bytes) }
            guard let usage = answer.find("result", "usage") ?? answer.find("usage") else { return }
            inputTokens = (usage.find("input_tokens") ?? usage.find("prompt_tokens"))?.int
            outputTokens = (usage.find("output_tokens") ?? usage.find("completion_tokens"))?.int
        }
    }
}
