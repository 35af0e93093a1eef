import A2AProxy
import Testing

/// Which of two requests with one `messageId` are the same message.
@Suite struct RepetitionTests {
    private static let first =
        #"{"jsonrpc":"2.0","id":1,"method":"m","params":{"message":{"messageId":"a","n":[1,2]}}}"#

    private func isRepetition(_ text: String) -> Bool {
        AgentRequest.isRepetition(Array(text.utf8), of: Array(Self.first.utf8))
    }

    @Test(arguments: [
        first, #"{"jsonrpc":"2.0","id":"two","method":"m","params":{"message":{"messageId":"a","n":[1,2]}}}"#,
        #"{ "params": {"message": {"n":[1, 2], "messageId":"\u0061"}}, "method":"m", "id":1 }"#,
    ])
    func same(_ text: String) {
        #expect(isRepetition(text))
    }

    @Test(arguments: [
        #"{"jsonrpc":"2.0","id":1,"method":"n","params":{"message":{"messageId":"a","n":[1,2]}}}"#,
        #"{"jsonrpc":"2.0","id":1,"method":"m","params":{"message":{"messageId":"a","n":[2,1]}}}"#,
        #"{"jsonrpc":"2.0","id":1,"method":"m","params":{"message":{"messageId":"a","n":[1,2]},"more":1}}"#,
        #"{"jsonrpc":"2.0","id":1,"method":"m"}"#, "{}",
    ])
    func other(_ text: String) {
        #expect(!isRepetition(text))
    }
}
