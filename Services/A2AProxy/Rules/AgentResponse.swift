import Contracts
import HTTPCore
import JSONBytes
import PlatformInternals
import UVHTTPServer

/// An agent's complete response. A class, so that it is cheap to pass on several times; immutable.
package final class AgentResponse: Sendable {
    package let status: HTTPStatus
    package let contentType: String?
    /// The header fields of the A2A protocol.
    package let protocolHeaders: HTTPHeaders?
    package let body: [UInt8]
    /// A large response's reservation of the response memory budget, held as long as the response.
    package let reservation: MemoryReservation?

    package init(
        status: HTTPStatus, contentType: String?, protocolHeaders: HTTPHeaders? = nil, body: [UInt8],
        reservation: MemoryReservation? = nil
    ) {
        self.status = status
        self.contentType = contentType
        self.protocolHeaders = protocolHeaders
        self.body = body
        self.reservation = reservation
    }

    /// The body as JSON, nil when it is not JSON.
    package var json: JSONSlice? { try? JSONSlice(validating: body) }

    /// The agent moved. Redirects are not followed: only the address that it registered is checked and trusted.
    package var isRedirect: Bool { [301, 302, 303, 307, 308].contains(status.code) }

    /// The agent's own error text: `error` as a string or its `message`, else the status' phrase. Truncated to what a
    /// row, an event and a list can take: a response may have ten megabytes.
    package var errorText: String {
        if isRedirect { return ErrorMessage.agentMoved }
        let error = json?.find("error")
        return (error?.string ?? error?.find("message")?.string ?? status.phrase).bounded(to: Limits.errorText)
    }

    /// What a caller gets for a response above 299: its status, `error` with its text, and in `agent_error` the whole
    /// error when it is one of JSON-RPC, whose code and data say what the text may not.
    package var errorResponse: Response {
        var response = Response.json(status) { writer in
            writer.member("error", errorText)
            if let error = isRedirect ? nil : json?.find("error"), let code = error.find("code")?.int {
                writer.member("agent_error", object: { write(error, code, to: &$0) })
            }
        }
        response.isForwarded = true
        return response
    }

    /// Oversized `data` is left out.
    private func write(_ error: JSONSlice, _ code: Int, to writer: inout JSONWriter) {
        writer.member("code", code)
        writer.member("message", errorText)
        if let data = error.find("data"), data.range.count <= Limits.agentErrorData {
            writer.member("data", raw: data.bytes)
        }
    }
}
