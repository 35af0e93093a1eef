import HTTPCore
import UVLoop

/// Why a call has no response, or only a part of one.
///
/// What matters to a caller that may try again is `delivery`: whether the peer may have seen the request.
package struct HTTPClientError: Error, Sendable, CustomStringConvertible {
    /// What went wrong.
    package enum Kind: String, Sendable, Hashable {
        /// The request cannot be sent as it is: a header with a line break in it, a scheme that we do not speak.
        case invalidRequest
        /// An address the name resolves to is one that the caller's policy refuses.
        case unsafeAddress
        /// The name has no address, and the resolver knows it.
        case unknownHost
        /// The port is closed.
        case refused
        /// No way there: no route, network down, a resolver that cannot tell.
        case unreachable
        /// No connection in the time allowed.
        case connectTimeout
        /// It is for lack of our own resources that there is no connection: none of those to that host came free in the
        /// time allowed, too many calls wait for one already, or this machine is out of sockets.
        case overloaded
        /// No TLS connection: an unknown authority, a wrong name, no common protocol.
        case tls
        /// No activity for the idle timeout.
        case idleTimeout
        /// The call as a whole took too long.
        case totalTimeout
        /// The connection broke.
        case reset
        /// The peer closed the connection before the response's end.
        case endOfFile
        /// What came back is not HTTP, or in a content coding that we do not speak.
        case malformed
        /// The response's header block, or the response collected (and decoded), is larger than allowed.
        case tooLarge
        /// The request's own body could not be read to its end.
        case requestBody
        /// The caller gave up, or the client was closed.
        case cancelled
    }

    /// What the peer may have seen of the request.
    package enum Delivery: Sendable, Hashable {
        /// Not a byte was sent: trying again cannot do the work twice.
        case notDelivered
        /// Bytes were sent and no response came: whether the peer acted is unknown.
        case uncertain
        /// A response began, so the peer has dealt with the request.
        case responded
    }

    /// What went wrong.
    package let kind: Kind
    /// Bytes of the request were handed to a connection, in this attempt or an earlier one.
    package let requestBytesWritten: Bool
    /// The status of the response, when its head had arrived before the failure.
    package let status: HTTPStatus?
    /// The call had been sent once more on a fresh connection already.
    package let wasRetried: Bool
    /// For the log only.
    package let detail: String

    /// A failure.
    package init(
        _ kind: Kind, requestBytesWritten: Bool = false, status: HTTPStatus? = nil, wasRetried: Bool = false,
        detail: String = ""
    ) {
        self.kind = kind
        self.requestBytesWritten = requestBytesWritten
        self.status = status
        self.wasRetried = wasRetried
        self.detail = detail
    }

    /// The head of a response had arrived before the failure.
    package var responseStarted: Bool { status != nil }

    /// What the peer may have seen of the request.
    package var delivery: Delivery {
        if responseStarted { return .responded }
        return requestBytesWritten ? .uncertain : .notDelivered
    }

    /// Kind, delivery and detail, for the log.
    package var description: String {
        detail.isEmpty ? "\(kind.rawValue) (\(delivery))" : "\(kind.rawValue) (\(delivery)): \(detail)"
    }
}

extension HTTPClientError.Kind {
    /// A resolver that fails says nothing about the host: it is not gone.
    package init(_ error: ResolveError) {
        self = error.isUnknownName ? .unknownHost : .unreachable
    }
}
