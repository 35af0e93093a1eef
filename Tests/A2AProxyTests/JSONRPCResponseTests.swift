import A2AProxy
import Contracts
import Foundation
import HTTPCore
import JSONBytes
import Testing
import UVHTTPServer

@Suite("The platform's responses in terms of JSON-RPC") struct JSONRPCResponseTests {
    private func request(_ method: String) -> JSONRPCRequest {
        JSONRPCRequest(Array(#"{"jsonrpc":"2.0","id":"x","method":"\#(method)","params":{"id":"t"}}"#.utf8))
    }

    private func adapt(_ response: Response, _ method: String, isAgents: Bool = false) -> Response {
        var response = response
        response.isForwarded = isAgents
        return JSONRPCResponse.adapt(response, to: request(method), at: "http://here/agents/1")
    }

    private func json(_ response: Response) throws -> JSONValue {
        guard case .bytes(let bytes) = response.body else { return .null }
        return try JSONValue(decoding: bytes)
    }

    @Test func anAgentsResponsesStayAsTheyAre() throws {
        let queued = #"{"queued":true,"queue_id":"6f9619ff-8b86-d011-b42d-00cf4fc964ff","message":"mine"}"#
        for (status, text) in [(HTTPStatus.ok, #"{"error":"x"}"#), (.accepted, queued)] {
            let adapted = adapt(.json(status, bytes: Array(text.utf8)), "message/send", isAgents: true)
            #expect(adapted.status == status)
            #expect(try json(adapted) == JSONValue(decoding: Array(text.utf8)))
        }
    }

    @Test(arguments: [
        HTTPStatus.unauthorized, .forbidden, .payloadTooLarge, .unsupportedMediaType, .tooManyRequests, .loopDetected,
    ])
    func whatIsAboutHTTPStaysHTTP(_ status: HTTPStatus) throws {
        #expect(adapt(APIError(status, "no").response, "message/send").status == status)
        #expect(adapt(APIError.platformUnavailable.response, "message/send").status == .serviceUnavailable)
        // From the agent it is about the agent.
        let agents = adapt(APIError(status, "no").response, "message/send", isAgents: true)
        #expect(agents.status == .ok)
        #expect(
            try json(agents)["error"] == [
                "code": -32000, "message": "the agent refused the message: no", "data": ["status": .int(status.code)],
            ])
    }

    @Test(arguments: ["message/send", "message/stream"])
    func anAgentsErrorKeepsItsCodeAndData(_ method: String) throws {
        let error = #"{"code":-32001,"message":"no such task","data":["x"]}"#
        let agentResponse = AgentResponse(
            status: 404, contentType: nil, body: Array(#"{"id":9,"error":\#(error)}"#.utf8))
        let adapted = JSONRPCResponse.adapt(agentResponse.errorResponse, to: request(method), at: "u")
        #expect(adapted.status == .ok)
        guard case .bytes(let bytes) = adapted.body else { return }
        let text = #"{"jsonrpc":"2.0","id":"x","error":\#(error)}"#
        // Both are refusals by the platform in the form of the requested response.
        #expect(String(decoding: bytes, as: UTF8.self) == (method == "message/send" ? text : "data: \(text)\n\n"))
    }

    @Test func anAgentsErrorIsBounded() throws {
        let data = String(repeating: "x", count: 100_000)
        let body = #"{"error":{"code":1,"message":"\#(data)","data":"\#(data)"}}"#
        let response = AgentResponse(status: 500, contentType: nil, body: Array(body.utf8)).errorResponse
        let error = try json(response)["agent_error"]
        #expect(error?["code"] == 1)
        #expect(error?["message"]?.string?.count == 4096)
        #expect(error?["data"] == nil)
    }

    @Test func theExtendedCardIsRewritten() throws {
        let card =
            #"{"result":{"name":"a","url":"http://inner/"},"url":"http://inner/","result":{"url":"http://inner/"}}"#
        let adapted = adapt(.json(bytes: Array(card.utf8)), "GetExtendedAgentCard", isAgents: true)
        #expect(try json(adapted) == ["jsonrpc": "2.0", "id": "x", "result": ["url": "http://here/agents/1"]])
        guard case .bytes(let bytes) = adapted.body else { return }
        #expect(!String(decoding: bytes, as: UTF8.self).contains("inner"))
        let error = #"{"error":{"code":-32007,"message":"none"}}"#
        #expect(
            try json(adapt(.json(bytes: Array(error.utf8)), "GetExtendedAgentCard", isAgents: true))["error"]?["code"]
                == -32007)
        for rubbish in ["", "[]", #"{"result":null}"#, #"{"result":"http://inner/"}"#, #"data: {"result":{}}"#] {
            let agentResponse = adapt(.json(bytes: Array(rubbish.utf8)), "agent/getExtendedCard", isAgents: true)
            #expect(try json(agentResponse)["error"]?["code"] == -32006, "\(rubbish)")
        }
    }

    @Test func aTooLongIdIsAFaultOfTheParameters() throws {
        let refusal = AgentRequest.Malformed.tooLong("messageId", limit: 255).apiError.response
        #expect(try json(adapt(refusal, "message/send"))["error"]?["code"] == -32602)
        let timeout = APIError(.badRequest, "invalid X-Timeout", field: "X-Timeout").response
        #expect(try json(adapt(timeout, "message/send"))["error"]?["code"] == -32600)
    }

    @Test func aRefusalKeepsItsFactsInEitherVersion() throws {
        let refusal = APIError(
            .serviceUnavailable, "workspace has no URL", retryAfter: 15, members: [("status", .string("paused"))]
        ).response
        let old = adapt(refusal, "message/send")
        #expect(old.status == .ok)
        #expect(old.headers["retry-after"] == "15")
        #expect(
            try json(old) == [
                "jsonrpc": "2.0", "id": "x",
                "error": [
                    "code": -32000, "message": "workspace has no URL",
                    "data": ["status": 503, "retry_after": 15, "workspace_status": "paused"],
                ],
            ])
        let new = try json(adapt(refusal, "SendMessage"))
        #expect(
            new["error"]?["data"] == [
                [
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "HTTP_503", "domain": "switchyard",
                    "metadata": ["status": "503", "retry_after": "15", "workspace_status": "paused"],
                ]
            ])
    }

    @Test(arguments: [
        (QueueStatus.dispatched, true), (.queued, true), (.completed, false), (.failed, false), (.dropped, false),
    ])
    func whatMayWaitAgainMayBeCancelledThen(_ status: QueueStatus, _ mayWaitAgain: Bool) throws {
        let error = try json(JSONRPCResponse.notCancelable(request("tasks/cancel"), status))["error"]
        #expect(error?["code"] == -32002)
        #expect(error?["message"]?.string?.contains("try again") == mayWaitAgain)
    }

    @Test func anUnreadableResponseIsTheAgentsFault() throws {
        let unreadable = APIError(
            .badGateway, "failed to read agent response", members: [("delivery_confirmed", .bool(true))]
        ).response
        let error = try json(adapt(unreadable, "message/send"))["error"]
        #expect(error?["code"] == -32006)
        #expect(error?["data"]?["delivery_confirmed"] == true)
    }

    @Test(arguments: QueuedTask.State.allCases)
    func statesAreSpelledAsTheVersionDoes(_ state: QueuedTask.State) throws {
        let task = QueuedTask(id: UUID(), state: state, note: "why")
        let old = try JSONValue(decoding: task.json(in: .v03))
        #expect(old["kind"] == "task")
        #expect(old["status"]?["state"]?.string == "\(state)")
        #expect(old["status"]?["message"]?["parts"] == [["kind": "text", "text": "why"]])
        let new = try JSONValue(decoding: task.json(in: .v1))
        #expect(new["kind"] == nil)
        #expect(new["status"]?["state"]?.string == "TASK_STATE_\("\(state)".uppercased())")
        #expect(new["status"]?["message"]?["role"] == "ROLE_AGENT")
    }

    @Test func onlyIdsInThePlatformsFormAreLookedUp() {
        let id = UUID()
        func request(_ method: String, _ task: String) -> UUID? {
            JSONRPCRequest(Array(#"{"method":"\#(method)","params":{"id":"\#(task)"}}"#.utf8)).taskID
        }
        for method in ["tasks/get", "GetTask", "tasks/cancel", "CancelTask", "tasks/resubscribe", "SubscribeToTask"] {
            #expect(request(method, id.uuidString) == id)
            #expect(request(method, "task-1") == nil)
        }
        #expect(request("tasks/pushNotificationConfig/get", id.uuidString) == nil)
        #expect(request("message/send", id.uuidString) == nil)
    }
}
