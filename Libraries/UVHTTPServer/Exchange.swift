import Foundation
import HTTPCore
import UVLoop

/// The request a connection is busy with, from its head to the end of its answer; a fresh one between requests.
struct Exchange {
    var head = HTTPMessageHead()
    var fields = RequestFields()
    var route: CompiledRoute?
    var parameters = PathParameters()
    var context: RequestContext?
    /// Answered without a handler: a refusal, a preflight, an unknown path.
    var answer: Response?
    /// The connection must not be used again: what follows the head cannot be trusted to be a request.
    var mustClose = false
    var maxBodyBytes = 0
    /// Bytes of the body so far.
    var bodyBytes = 0
    /// Read before the handler starts.
    var buffered: [UInt8] = []
    /// Set when the handler reads the body while it arrives.
    var source: RequestBodySource?
    /// The client waits for `100 Continue` before it sends the body.
    var expectsContinue = false
    var isDispatched = false
    /// The body is written from elsewhere; the handler has nothing more to do.
    var isDetached = false
    /// The answer was that the connection is handed over.
    var upgrade: (response: Response, take: @Sendable (TCPStream, [UInt8]) -> Void)?
    /// The whole request was read.
    var isComplete = false
}
