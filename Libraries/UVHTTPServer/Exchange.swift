import Foundation
import HTTPCore
import UVLoop

/// The data of the request in progress, from its head to the end of its response; a fresh one between requests. How far
/// it has come is the state machine's to know.
struct Exchange {
    var head = HTTPMessageHead()
    var fields = RequestFields()
    var route: CompiledRoute?
    var parameters = PathParameters()
    var context: RequestContext?
    /// Written without a handler: a refusal, a preflight, an unknown path.
    var response: Response?
    /// What follows the head cannot be trusted to be a request.
    var isRefused = false
    var maxBodyBytes = 0
    /// The client waits for `100 Continue` before it sends the body.
    var expectsContinue = false
    /// Read before the handler starts.
    var buffered: [UInt8] = []
    /// Set when the handler reads the body while it arrives.
    var source: RequestBodySource?
    /// The body is written from elsewhere; the handler has nothing more to do.
    var isDetached = false
    /// The response that hands the connection over.
    var upgrade: (response: Response, take: @Sendable (TCPStream, [UInt8]) -> Void)?
}
