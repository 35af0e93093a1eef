import AgentResponses
import Contracts
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import UVHTTPServer

/// The platform's own responses as JSON-RPC. Clients of the protocol read only the status of a response above 299, so
/// that errors for their user are sent with 200.
package enum JSONRPCResponse {
    /// Codes of JSON-RPC and of A2A.
    package enum Code: Int, Sendable {
        case parseError = -32_700
        case invalidRequest = -32_600
        case methodNotFound = -32_601
        case invalidParams = -32_602
        case taskNotCancelable = -32_002
        case invalidAgentResponse = -32_006
        /// Any other error of the platform.
        case serverError = -32_000
    }

    /// Statuses about HTTP and not about the message: credentials, size, type and rate, and a forwarding loop, which
    /// only its operator can end. Clients of the protocol act on them, and attribute them to the server that they
    /// called.
    private static let aboutHTTP: [HTTPStatus] = [
        .unauthorized, .forbidden, .payloadTooLarge, .unsupportedMediaType, .tooManyRequests, .loopDetected,
    ]

    /// Converts the platform's own response to one of the protocol. An agent's successful responses are not changed,
    /// nor are the platform's errors that are about HTTP, and its own outage.
    ///
    /// - Parameter url: the agent's endpoint at the platform.
    package static func adapt(_ response: Response, to request: JSONRPCRequest, at url: String) -> Response {
        if response.isForwarded { return forward(response, request, url) }
        guard case .bytes(let bytes) = response.body, response.status == .accepted || !response.status.isSuccess,
            let body = try? JSONSlice(validating: bytes)
        else { return response }
        if response.status == .accepted {
            return queued(body, request).map { keepHeaders(response, in: $0) } ?? response
        }
        guard !aboutHTTP.contains(response.status), body.find("code") == nil,
            let sentence = body.find("error")?.string
        else { return response }
        return keepHeaders(
            response, in: error(code(response.status, body), sentence, response.status, details(body), request))
    }

    /// The error response to a request that is not a valid call of the protocol.
    package static func refuse(_ refusal: JSONRPCError, _ request: JSONRPCRequest) -> Response {
        let field = refusal.field.map { [Detail(name: "field", value: JSONValue.string($0).encoded[...])] }
        return error(refusal.code, refusal.message, .badRequest, field ?? [], request)
    }

    // MARK: - The agent's own responses

    private static func forward(_ response: Response, _ request: JSONRPCRequest, _ url: String) -> Response {
        if response.status.isSuccess { return request.call == .card ? publish(response, request, url) : response }
        guard case .bytes(let bytes) = response.body, let body = try? JSONSlice(validating: bytes) else {
            return error(.serverError, response.status.phrase, response.status, [], request)
        }
        if let error = body.find("agent_error") {
            let payload = envelope(request) { $0.member("error", raw: error.bytes) }
            return keepHeaders(response, in: respond(payload, request))
        }
        var sentence = body.find("error")?.string ?? response.status.phrase
        if aboutHTTP.contains(response.status) { sentence = "the agent refused the message: \(sentence)" }
        return keepHeaders(response, in: error(.serverError, sentence, response.status, details(body), request))
    }

    /// The extended card has the platform's address, as the public one does.
    private static func publish(_ response: Response, _ request: JSONRPCRequest, _ url: String) -> Response {
        guard case .bytes(let bytes) = response.body, let body = try? JSONSlice(validating: bytes) else {
            return error(.invalidAgentResponse, ErrorMessage.agentResponseUnreadable, .badGateway, [], request)
        }
        var payload: [UInt8]?
        if let error = body.find("error"), !error.isNull {
            payload = envelope(request) { $0.member("error", raw: error.bytes) }
        } else if let result = body.find("result"), let card = PublishedCard.make(from: Array(result.bytes), at: url) {
            payload = envelope(request) { $0.member("result", raw: card) }
        }
        guard let payload else {
            return error(.invalidAgentResponse, ErrorMessage.agentResponseUnreadable, .badGateway, [], request)
        }
        var published = response
        published.body = .bytes(payload)
        return published
    }

    // MARK: - Tasks

    /// Copies the header fields that matter to the client.
    private static func keepHeaders(_ response: Response, in adapted: Response) -> Response {
        var adapted = adapted
        for name in ["Retry-After", "Idempotency-Replayed"] {
            if let value = response.headers[name] { adapted.headers.add(name, value) }
        }
        return adapted
    }

    /// A queued message is a submitted task.
    private static func queued(_ body: JSONSlice, _ request: JSONRPCRequest) -> Response? {
        guard body.find("queued")?.bool == true, let id = body.find("queue_id")?.string.flatMap(UUID.init(uuidString:))
        else { return nil }
        return result(
            QueuedTask(
                id: id, contextID: request.contextID, state: .submitted, note: body.find("message")?.string), request)
    }

    package static func result(_ task: QueuedTask, _ request: JSONRPCRequest) -> Response {
        result(task: task.json(in: request.version), request)
    }

    package static func result(task: [UInt8], _ request: JSONRPCRequest) -> Response {
        let isWrapped = request.version == .v1 && [.send, .stream, .subscribe].contains(request.call)
        let payload = envelope(request) { writer in
            if isWrapped {
                writer.member("result", object: { $0.member("task", raw: task) })
            } else {
                writer.member("result", raw: task)
            }
        }
        return respond(payload, request)
    }

    /// A single event for a client that requested a stream: some read nothing else, not even an error.
    private static func respond(_ payload: [UInt8], _ request: JSONRPCRequest) -> Response {
        guard request.isStreaming else { return .json(bytes: payload) }
        return Response(
            .ok, headers: ["Content-Type": "text/event-stream", "Cache-Control": "no-cache"],
            body: .bytes(ServerSentEvents.event(json: payload)))
    }

    /// - Parameter status: of the message that is not cancelled. One that is in flight may be queued again, if its
    ///   agent turns out to be busy.
    package static func notCancelable(_ request: JSONRPCRequest, _ status: QueueStatus) -> Response {
        let mayWaitAgain = status == .dispatched || status == .queued
        let reason =
            mayWaitAgain
            ? "the message is with the agent now; try again, it may have to wait once more"
            : "the message has come to its end"
        let payload = envelope(request) { writer in
            writer.member("error", object: { write(.taskNotCancelable, reason, to: &$0) })
        }
        return respond(payload, request)
    }

    // MARK: - Errors

    private static func code(_ status: HTTPStatus, _ body: JSONSlice) -> Code {
        if status == .badRequest {
            let isOfMessage = ["messageId", "contextId"].contains(body.find("field")?.string)
            return isOfMessage ? .invalidParams : .invalidRequest
        }
        return body.find("delivery_confirmed") == nil ? .serverError : .invalidAgentResponse
    }

    private static func error(
        _ code: Code, _ sentence: String, _ status: HTTPStatus, _ details: [Detail], _ request: JSONRPCRequest
    ) -> Response {
        let payload = envelope(request) { writer in
            writer.member(
                "error",
                object: { writer in
                    write(code, sentence, to: &writer)
                    writeData(status, details, request.version, to: &writer)
                })
        }
        return respond(payload, request)
    }

    private static func write(_ code: Code, _ sentence: String, to writer: inout JSONWriter) {
        writer.member("code", code.rawValue)
        writer.member("message", sentence)
    }

    /// A further member of the platform's error body: its name and its JSON value.
    private struct Detail {
        let name: String
        let value: ArraySlice<UInt8>
    }

    private static func details(_ body: JSONSlice) -> [Detail] {
        // In the body `status` is the workspace's; the response's own is its HTTP status.
        (body.object?.members ?? []).filter { $0.name != "error" }
            .map { Detail(name: $0.name == "status" ? "workspace_status" : $0.name, value: $0.value.bytes) }
    }

    /// The response's status and the details. Version 1.0 requires a list of typed objects; the members of this type
    /// are strings.
    private static func writeData(
        _ status: HTTPStatus, _ details: [Detail], _ version: JSONRPCRequest.Version, to writer: inout JSONWriter
    ) {
        guard version == .v1 else {
            return writer.member(
                "data",
                object: { writer in
                    writer.member("status", status.code)
                    for detail in details { writer.member(detail.name, raw: detail.value) }
                })
        }
        writer.member(
            "data",
            array: { writer in
                writer.object { writer in
                    writer.member("@type", "type.googleapis.com/google.rpc.ErrorInfo")
                    writer.member("reason", "HTTP_\(status.code)")
                    writer.member("domain", "switchyard")
                    writer.member(
                        "metadata",
                        object: { writer in
                            writer.member("status", String(status.code))
                            for detail in details { writer.member(detail.name, text(detail.value)) }
                        })
                }
            })
    }

    private static func text(_ value: ArraySlice<UInt8>) -> String {
        (try? JSONSlice(validating: Array(value)))?.string ?? String(decoding: value, as: UTF8.self)
    }

    private static func envelope(_ request: JSONRPCRequest, _ members: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("jsonrpc", "2.0")
            writer.member("id", raw: request.id)
            members(&writer)
        }
        return writer.bytes
    }
}
