import Foundation
import HTTPClient
import HTTPServer
import PostgresClient

/// Where the row of a keyed send is.
struct SendKey: Sendable {
    /// A workspace's id or an operator's key; `console` for the administrator.
    let caller: String
    let target: UUID
    let key: String

    var parameters: [any PostgresEncodable] { [caller, target, key] }
}

/// A run of a keyed send that goes on in this process. Its owner names the run, not only the instance, which may begin a
/// later one of the same key: only the current owner's word counts.
struct RunningSend: Sendable {
    let key: SendKey
    let owner: String
    let run: KeyedRun
}

/// What is kept of a run that has ended.
enum SendOutcome: Sendable {
    /// What whoever sends the same is answered with from then on.
    case answer(Response)
    /// Nothing, and the agent may have the message: the next run is perhaps a repetition.
    case unknown
    /// Nothing: it was not delivered.
    case undelivered

    /// An agent's answer, whatever it says, or that the message is queued. Events, however few, are not kept: what is
    /// replayed is an answer, not something to listen to.
    init(_ response: Response) {
        self = AgentClient.isEventStream(response.headers) ? .unknown : .answer(response)
    }

    init(failure: any Error) {
        guard let call = failure as? UnansweredCall else {
            self = .undelivered
            return
        }
        self =
            switch call.delivery {
            case .answered: .answer(call.apiError.response)
            case .uncertain: .unknown
            case .notDelivered: .undelivered
            }
    }

    /// Bytes that it takes while it waits to be written.
    var weight: Int {
        if case .answer(let response) = self, case .bytes(let bytes) = response.body { bytes.count } else { 0 }
    }
}
