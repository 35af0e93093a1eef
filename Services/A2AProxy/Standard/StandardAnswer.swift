import Contracts
import Foundation
import HTTPCore
import HTTPServer
import JSONBytes

/// The platform's own answers in the terms of JSON-RPC. Clients of the protocol read nothing but the status of an answer
/// above 299, so that what they should tell their user comes with 200.
package enum StandardAnswer {
    /// Codes of JSON-RPC and of A2A.
    enum Code: Int {
        case parseError = -32_700
        case invalidRequest = -32_600
        case taskNotCancelable = -32_002
        case invalidAgentResponse = -32_006
        /// Whatever else the platform has to say.
        case serverError = -32_000
    }

    /// What every other client gets, as a client of the protocol gets it. What an agent answered stays as it is, and so do
    /// the refusals that are about HTTP and not about the message: those of credentials, size and rate, and the platform's
    /// own outage.
    package static func adapt(_ response: Response, to request: StandardRequest) -> Response {
        guard case .bytes(let bytes) = response.body, response.status == .accepted || !response.status.isSuccess,
            let body = try? JSONSlice(validating: bytes)
        else { return response }
        if response.status == .accepted { return queued(body, request).map { keep(response, in: $0) } ?? response }
        let aboutHTTP: [HTTPStatus] = [
            .unauthorized, .forbidden, .payloadTooLarge, .unsupportedMediaType, .tooManyRequests, .loopDetected,
        ]
        guard !aboutHTTP.contains(response.status), body.find("code") == nil,
            let sentence = body.find("error")?.string
        else { return response }
        return keep(
            response, in: error(code(response.status, body, request), sentence, response.status, body, request))
    }

    /// The fields of the answer's head that say something.
    private static func keep(_ response: Response, in adapted: Response) -> Response {
        var adapted = adapted
        for name in ["Retry-After", "Idempotency-Replayed"] {
            if let value = response.headers[name] { adapted.headers.add(name, value) }
        }
        return adapted
    }

    /// A message that waits is a task that was submitted.
    private static func queued(_ body: JSONSlice, _ request: StandardRequest) -> Response? {
        guard body.find("queued")?.bool == true, let id = body.find("queue_id")?.string.flatMap(UUID.init(uuidString:))
        else { return nil }
        return answer(
            QueuedTask(
                id: id, contextID: request.contextID, state: .submitted, note: body.find("message")?.string), request)
    }

    package static func answer(_ task: QueuedTask, _ request: StandardRequest) -> Response {
        answer(task: task.json(in: request.version), request)
    }

    package static func answer(task: [UInt8], _ request: StandardRequest) -> Response {
        let isWrapped = request.version == .v1 && [.send, .stream, .subscribe].contains(request.call)
        let answer = envelope(request) { writer in
            if isWrapped {
                writer.member("result", object: { $0.member("task", raw: task) })
            } else {
                writer.member("result", raw: task)
            }
        }
        return respond(answer, request)
    }

    /// One event for a client that reads a stream: some read nothing else, not even an error.
    private static func respond(_ answer: [UInt8], _ request: StandardRequest) -> Response {
        guard request.isStreaming else { return .json(bytes: answer) }
        return Response(
            .ok, headers: ["Content-Type": "text/event-stream", "Cache-Control": "no-cache"],
            body: .bytes(ServerSentEvents.event(json: answer)))
    }

    /// - Parameter status: of the message that is not cancelled. One that is on its way may wait again in a moment, if its
    ///   agent turns out to be busy.
    package static func notCancelable(_ request: StandardRequest, _ status: QueueStatus) -> Response {
        let mayWaitAgain = status == .dispatched || status == .queued
        let reason =
            mayWaitAgain
            ? "the message is with the agent now; try again, it may have to wait once more"
            : "the message has come to its end"
        let answer = envelope(request) { writer in
            writer.member("error", object: { write(.taskNotCancelable, reason, to: &$0) })
        }
        return respond(answer, request)
    }

    // MARK: - Errors

    private static func code(_ status: HTTPStatus, _ body: JSONSlice, _ request: StandardRequest) -> Code {
        if !request.isJSON { return .parseError }
        if status == .badRequest { return .invalidRequest }
        return body.find("delivery_confirmed") == nil ? .serverError : .invalidAgentResponse
    }

    private static func error(
        _ code: Code, _ sentence: String, _ status: HTTPStatus, _ body: JSONSlice, _ request: StandardRequest
    ) -> Response {
        let answer = envelope(request) { writer in
            writer.member(
                "error",
                object: { writer in
                    write(code, sentence, to: &writer)
                    writeData(status, body, request.version, to: &writer)
                })
        }
        return respond(answer, request)
    }

    private static func write(_ code: Code, _ sentence: String, to writer: inout JSONWriter) {
        writer.member("code", code.rawValue)
        writer.member("message", sentence)
    }

    /// What other clients find in the answer's status and beside the sentence. Version 1.0 wants a list of typed objects, of
    /// which this type has texts for members.
    private static func writeData(
        _ status: HTTPStatus, _ body: JSONSlice, _ version: StandardRequest.Version, to writer: inout JSONWriter
    ) {
        // Elsewhere `status` is the workspace's, since the answer's own is in its head.
        let facts = (body.object?.members ?? []).filter { $0.name != "error" }
            .map { (name: $0.name == "status" ? "workspace_status" : $0.name, value: $0.value) }
        guard version == .v1 else {
            return writer.member(
                "data",
                object: { writer in
                    writer.member("status", status.code)
                    for fact in facts { writer.member(fact.name, raw: fact.value.bytes) }
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
                            for fact in facts { writer.member(fact.name, text(fact.value)) }
                        })
                }
            })
    }

    private static func text(_ value: JSONSlice) -> String {
        value.string ?? String(decoding: value.bytes, as: UTF8.self)
    }

    private static func envelope(_ request: StandardRequest, _ members: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("jsonrpc", "2.0")
            writer.member("id", raw: request.id)
            members(&writer)
        }
        return writer.bytes
    }
}
