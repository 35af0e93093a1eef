import A2AProxy
import Contracts
import Foundation
import HTTPCore
import HTTPServer
import JSONBytes
import Testing

@Suite("The platform's answers in the terms of JSON-RPC") struct StandardAnswerTests {
    private func request(_ method: String) -> StandardRequest {
        StandardRequest(Array(#"{"jsonrpc":"2.0","id":"x","method":"\#(method)","params":{"id":"t"}}"#.utf8))
    }

    private func json(_ response: Response) throws -> JSONValue {
        guard case .bytes(let bytes) = response.body else { return .null }
        return try JSONValue(decoding: bytes)
    }

    @Test func anAgentsAnswersStayAsTheyAre() throws {
        for (status, text) in [(HTTPStatus.ok, #"{"error":"x"}"#), (.accepted, #"{"jsonrpc":"2.0","result":{}}"#)] {
            let adapted = StandardAnswer.adapt(.json(status, bytes: Array(text.utf8)), to: request("message/send"))
            #expect(adapted.status == status)
            #expect(try json(adapted) == JSONValue(decoding: Array(text.utf8)))
        }
    }

    @Test(arguments: [HTTPStatus.unauthorized, .forbidden, .payloadTooLarge, .tooManyRequests])
    func whatIsAboutHTTPStaysHTTP(_ status: HTTPStatus) {
        #expect(StandardAnswer.adapt(APIError(status, "no").response, to: request("message/send")).status == status)
        #expect(
            StandardAnswer.adapt(APIError.platformUnavailable.response, to: request("message/send")).status
                == .serviceUnavailable)
    }

    @Test func aRefusalKeepsItsFactsInEitherVersion() throws {
        let refusal = APIError(
            .serviceUnavailable, "workspace has no URL", retryAfter: 15, members: [("status", .string("paused"))]
        ).response
        let old = StandardAnswer.adapt(refusal, to: request("message/send"))
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
        let new = try json(StandardAnswer.adapt(refusal, to: request("SendMessage")))
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
        let error = try json(StandardAnswer.notCancelable(request("tasks/cancel"), status))["error"]
        #expect(error?["code"] == -32002)
        #expect(error?["message"]?.string?.contains("try again") == mayWaitAgain)
    }

    @Test func anAnswerThatCannotBeReadIsTheAgentsFault() throws {
        let lost = APIError(
            .badGateway, "failed to read agent response", members: [("delivery_confirmed", .bool(true))]
        ).response
        let error = try json(StandardAnswer.adapt(lost, to: request("message/send")))["error"]
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

    @Test func onlyIdsThatMayBeOursAreLookedFor() {
        let id = UUID()
        func request(_ method: String, _ task: String) -> UUID? {
            StandardRequest(Array(#"{"method":"\#(method)","params":{"id":"\#(task)"}}"#.utf8)).taskID
        }
        for method in ["tasks/get", "GetTask", "tasks/cancel", "CancelTask", "tasks/resubscribe", "SubscribeToTask"] {
            #expect(request(method, id.uuidString) == id)
            #expect(request(method, "task-1") == nil)
        }
        #expect(request("tasks/pushNotificationConfig/get", id.uuidString) == nil)
        #expect(request("message/send", id.uuidString) == nil)
    }
}
