import Foundation
import Postgres
import UVHTTPClient
import UVHTTPServer

/// The primary key of a keyed send's row.
struct SendKey: Sendable {
    /// A workspace's id or an operator's key; `console` for the administrator.
    let caller: String
    let target: UUID
    let key: String

    var parameters: [any PostgresEncodable] { [caller, target, key] }
}

/// A run of a keyed send in this process. Its owner identifies the run, not only the instance, which may begin a later
/// one of the same key: writes are fenced by the current owner.
struct RunningSend: Sendable {
    let key: SendKey
    let owner: String
    let run: IdempotentRun
}

/// The stored result of a run that has ended.
enum SendOutcome: Sendable {
    /// The response that is replayed to repeated requests.
    case response(Response)
    /// None, and the agent may have received the message: the next run may be a redelivery.
    case unknown
    /// None: the message was not delivered.
    case undelivered

    /// An agent's response, whatever its status, or that the message is queued. Streams, however short, are not stored
    /// and not replayed.
    init(_ response: Response) {
        self = AgentClient.isEventStream(response.headers) ? .unknown : .response(response)
    }

    init(failure: any Error) {
        guard let call = failure as? FailedCall else {
            self = .undelivered
            return
        }
        self =
            switch call.delivery {
            case .responded: .response(call.apiError.response)
            case .uncertain: .unknown
            case .notDelivered: .undelivered
            }
    }

    /// Its size in memory while it waits to be written, in bytes.
    var weight: Int {
        if case .response(let response) = self, case .bytes(let bytes) = response.body { bytes.count } else { 0 }
    }
}
