import UVLoop

/// What one address of a name means for a call.
package enum AddressVerdict: Sendable, Hashable {
    case allowed
    /// - Parameter reason: for the log.
    case refused(reason: String)
}

/// Decides on an address right before it is connected to. Called on a loop: it must not block.
package typealias ConnectPolicy = @Sendable (SocketAddress, ClientRequest) -> AddressVerdict

/// The sizes of a client. All limits are per loop.
package struct HTTPClientConfiguration: Sendable {
    /// Time for finding and opening a connection.
    package var connectTimeout: Duration = .seconds(10)
    /// How long a call may go without activity, unless its request says otherwise.
    package var idleTimeout: Duration = .seconds(60)
    /// How long a connection is kept open without a call. A shorter one announced by the peer counts instead.
    package var idleConnectionTTL: Duration = .seconds(60)
    /// Connections to one host and port, those being opened included.
    package var maxConnectionsPerHost = 512
    /// Calls that may wait for a connection to one host; one more fails as `overloaded`.
    package var maxWaitingPerHost = 4096
    /// Connections without a call, to all hosts together.
    package var maxIdleConnections = 4096
    /// A response's status line and header fields in bytes.
    package var maxHeaderBytes = 32 * 1024
    /// A response's header fields.
    package var maxHeaderFields = 200
    /// Bytes of a response that may wait for their reader before we stop reading from the connection.
    package var maxUnreadBytes = 64 * 1024
    /// A file with the certificates of the authorities to trust instead of the system's.
    package var certificateAuthorities: String?

    /// The defaults.
    package init() {}
}
