import A2AProxy
import Testing

@Suite("What is a call of the protocol") struct JSONRPCRequestTests {
    private func request(_ text: String, namesExtensions: Bool = false) -> JSONRPCRequest {
        JSONRPCRequest(Array(text.utf8), namesExtensions: namesExtensions)
    }

    private func send(_ message: String, _ method: String = "message/send") -> JSONRPCRequest {
        request(#"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":{"message":\#(message)}}"#)
    }

    private func code(_ request: JSONRPCRequest) -> Int? { request.refusal?.code.rawValue }

    @Test(arguments: [
        ("", -32_700), ("{", -32_700), ("{} x", -32_700), ("\u{0}", -32_700), ("null", -32_600), ("1", -32_600),
        (#""x""#, -32_600), ("[]", -32_600), ("[1]", -32_600), (#"[{"jsonrpc":"2.0"}]"#, -32_600), ("{}", -32_600),
        (#"{"jsonrpc":"2.0"}"#, -32_600), (#"{"jsonrpc":"2.0","method":null}"#, -32_600),
        (#"{"jsonrpc":"2.0","method":""}"#, -32_600), (#"{"jsonrpc":"2.0","method":7}"#, -32_600),
        (#"{"jsonrpc":"2.0","method":["GetTask"]}"#, -32_600), (#"{"jsonrpc":"2.0","method":"nope"}"#, -32_601),
        (#"{"jsonrpc":"2.0","method":"Message/Send"}"#, -32_601),
        (#"{"jsonrpc":"2.0","method":"tasks/send"}"#, -32_601),
        (#"{"jsonrpc":2.0,"method":"ListTasks"}"#, -32_600), (#"{"jsonrpc":null,"method":"ListTasks"}"#, -32_600),
        (#"{"jsonrpc":"2.0","id":1,"method":"ListTasks","params":7}"#, -32_602),
        (#"{"jsonrpc":"2.0","id":1,"method":"ListTasks","params":[]}"#, -32_602),
        // Without `jsonrpc` nothing else may be wrong.
        (#"{"method":"nope"}"#, -32_600), (#"{"method":"message/send","params":{}}"#, -32_600),
    ])
    func refused(_ text: String, _ expected: Int) {
        #expect(code(request(text)) == expected)
    }

    @Test func aDocumentThatIsTooDeepGetsTheLimit() {
        func nested(_ depth: Int) -> JSONRPCRequest {
            let (start, end) = (String(repeating: "[", count: depth - 2), String(repeating: "]", count: depth - 2))
            return request(#"{"jsonrpc":"2.0","method":"ListTasks","params":{"x":\#(start)\#(end)}}"#)
        }
        #expect(nested(64).refusal == nil)
        #expect(code(nested(65)) == -32_600)
        #expect(nested(65).refusal?.message.contains("64") == true)
    }

    @Test func aBatchIsRefused() {
        #expect(request("[]").refusal?.message == "batches are not supported")
    }

    @Test(arguments: ["[]", "{}", "true", "false", "[1]"]) func idsThatJSONRPCDoesNotHave(_ id: String) {
        let request = request(#"{"jsonrpc":"2.0","id":\#(id),"method":"ListTasks"}"#)
        #expect(code(request) == -32_600)
        #expect(request.id == Array("null".utf8))
    }

    @Test(arguments: ["1", "1.5", "\"x\"", "\"\"", "null"]) func idsThatItHas(_ id: String) {
        let request = request(#"{"jsonrpc":"2.0","id":\#(id),"method":"ListTasks"}"#)
        #expect(request.refusal == nil)
        #expect(request.id == Array(id.utf8))
    }

    @Test(arguments: [
        "tasks/list", "tasks/pushNotificationConfig/set", "tasks/pushNotificationConfig/get",
        "tasks/pushNotificationConfig/list", "tasks/pushNotificationConfig/delete", "ListTasks",
        "CreateTaskPushNotificationConfig", "GetTaskPushNotificationConfig", "ListTaskPushNotificationConfigs",
        "DeleteTaskPushNotificationConfig", "agent/getAuthenticatedExtendedCard", "agent/getExtendedCard",
        "GetExtendedAgentCard",
    ])
    func methodsOfTheProtocol(_ method: String) {
        for parameters in ["", #","params":{"id":7}"#, #","params":null"#] {
            #expect(request(#"{"jsonrpc":"2.0","id":1,"method":"\#(method)"\#(parameters)}"#).refusal == nil)
        }
    }

    @Test func anExtensionBringsItsMethods() {
        let text = #"{"jsonrpc":"2.0","id":1,"method":"weather/now","params":[1]}"#
        #expect(request(text, namesExtensions: true).refusal == nil)
        #expect(code(request(text)) == -32_601)
        #expect(code(request(#"{"jsonrpc":"2.0","method":7}"#, namesExtensions: true)) == -32_600)
        let broken = #"{"jsonrpc":"2.0","id":1,"method":"message/send","params":{"message":{}}}"#
        #expect(code(request(broken, namesExtensions: true)) == -32_602)
    }

    @Test(arguments: ["tasks/get", "GetTask", "tasks/cancel", "CancelTask", "tasks/resubscribe", "SubscribeToTask"])
    func aTaskHasAnId(_ method: String) {
        func taskRequest(_ parameters: String) -> JSONRPCRequest {
            request(#"{"jsonrpc":"2.0","id":1,"method":"\#(method)"\#(parameters)}"#)
        }
        #expect(taskRequest(#","params":{"id":"t"}"#).refusal == nil)
        for parameters in [
            "", #","params":null"#, #","params":[]"#, #","params":{}"#, #","params":{"id":7}"#, #","params":{"id":""}"#,
        ] {
            #expect(code(taskRequest(parameters)) == -32_602, "\(parameters)")
        }
    }

    // MARK: - Messages

    @Test(arguments: [
        (#"{"kind":"text","text":"x"}"#, true, true), (#"{"type":"text","text":"x"}"#, true, true),
        (#"{"text":"x"}"#, true, true), (#"{"kind":"data","data":{}}"#, true, true),
        (#"{"kind":"file","file":{"uri":"u"}}"#, true, false), (#"{"url":"u"}"#, false, true),
        (#"{"raw":"eA=="}"#, false, true), (#"{"data":[1]}"#, false, true),
        (#"{"kind":"nope","text":"x"}"#, false, true),
        (#"{"kind":"text","file":{}}"#, false, false), (#"{"kind":"text"}"#, false, false), ("{}", false, false),
        (#"{"kind":"text","text":7}"#, false, false), (#"{"metadata":{}}"#, false, false), ("\"x\"", false, false),
        ("null", false, false), ("[]", false, false),
    ])
    func parts(_ part: String, _ isOld: Bool, _ isNew: Bool) {
        for parts in ["[\(part)]", #"[{"kind":"text","text":"first"},\#(part)]"#] {
            let old = send(#"{"role":"user","messageId":"m","parts":\#(parts)}"#)
            #expect((old.refusal == nil) == isOld, "\(parts)")
            let new = send(#"{"role":"ROLE_USER","messageId":"m","parts":\#(parts)}"#, "SendMessage")
            #expect((new.refusal == nil) == isNew, "\(parts)")
            for request in [old, new] where request.refusal != nil { #expect(code(request) == -32_602) }
        }
    }

    private static let part = #""parts":[{"kind":"text","text":"x"}]"#

    @Test(arguments: [
        "7", "null", "[]", "{}", #"{"role":"user"}"#, #"{"role":"user","parts":[]}"#, #"{"role":"user","parts":null}"#,
        #"{"role":"user","parts":{}}"#, #"{\#(part)}"#, #"{"role":"boss",\#(part)}"#, #"{"role":7,\#(part)}"#,
        #"{"role":"ROLE_USER",\#(part)}"#, #"{"role":"user","messageId":7,\#(part)}"#,
        #"{"role":"user","contextId":[],\#(part)}"#, #"{"role":"user","taskId":{},\#(part)}"#,
    ])
    func brokenMessages(_ message: String) {
        for method in ["message/send", "message/stream"] { #expect(code(send(message, method)) == -32_602) }
    }

    @Test(arguments: [
        #"{"role":"user",\#(part)}"#, #"{"role":"agent","messageId":"m",\#(part)}"#,
        #"{"role":"user","messageId":null,"contextId":null,"taskId":null,\#(part),"more":1}"#,
    ])
    func goodMessages(_ message: String) {
        #expect(send(message).refusal == nil)
        #expect(send(message, "message/stream").refusal == nil)
    }

    @Test(arguments: ["\"ROLE_USER\"", "\"ROLE_AGENT\"", "1", "2"]) func newRoles(_ role: String) {
        for method in ["SendMessage", "SendStreamingMessage"] {
            #expect(send(#"{"role":\#(role),"messageId":"m",\#(Self.part)}"#, method).refusal == nil)
        }
        #expect(code(send(#"{"role":\#(role),"messageId":"m",\#(Self.part)}"#)) == -32_602)
    }
}
