import HTTPCore

/// Limits, timeouts and addresses of a server. The defaults are those of the contracts.
package struct HTTPServerConfiguration: Sendable {
    /// The IP address to listen on.
    package var host = "127.0.0.1"
    /// 0 lets the system choose.
    package var port: UInt16 = 0
    package var parser = HTTPParser.Limits()
    /// Bytes of a request's body, unless its route says otherwise.
    package var maxBodyBytes = 1024 * 1024
    /// Bytes of a body that are read before the handler starts, unless its route streams.
    package var bufferedBodyBytes = 64 * 1024
    /// Bytes of a body that its handler did not read, which are read past to keep the connection; beyond it the
    /// connection closes.
    package var drainedBodyBytes = 64 * 1024
    /// Connections at once, over all loops. Further ones are closed at once.
    package var maxConnections = 60_000

    /// From the first byte of a request (of a new connection: from its opening) to the end of its head.
    package var headTimeout: Duration = .seconds(10)
    /// Between requests.
    package var idleTimeout: Duration = .seconds(75)
    /// In each such period a body that is arriving must bring `bodyProgressBytes`, or its end.
    package var bodyTimeout: Duration = .seconds(30)
    package var bodyProgressBytes = 512
    /// In each such period a client must acknowledge some of the response.
    package var writeTimeout: Duration = .seconds(60)
    /// The same while the server stops, which does not wait for long for clients that take nothing.
    package var drainTimeout: Duration = .seconds(5)
    /// How long a connection that was closed for writing waits for the peer's end.
    package var lingerTimeout: Duration = .seconds(2)

    /// Bytes waiting in a connection beyond which `ResponseWriter.write` suspends.
    package var writeHighWater = 64 * 1024

    /// Origins that browsers may call from; `*` for all.
    package var corsOrigins = ["http://localhost:3000", "http://localhost:3001"]
    /// Requests a minute per client; 0 is off.
    package var rateLimit = 0
    /// Addresses or networks (`10.0.0.0/8`) whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    package var trustedProxies: [String] = []

    package init() {}
}
