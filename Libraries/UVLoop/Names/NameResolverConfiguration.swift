/// Who a name comes from, which decides what its look-up may take from others.
package enum NameOrigin: Hashable, Sendable {
    /// The platform's own configuration: the names of its stores. A failure is not cached.
    case stores
    /// A client. The owner of a zone can occupy all look-ups of this origin, and none of the other.
    case clients
}

/// The limits of the name resolver of one loop.
package struct NameResolverConfiguration: Sendable {
    /// Name servers in place of those in `resolverFile`.
    package var servers: [SocketAddress] = []
    /// The system's settings: name servers, search domains. A change takes effect within `resolverFileInterval`.
    package var resolverFile = "/etc/resolv.conf"
    /// The least time between two looks at the file's modification time.
    package var resolverFileInterval: Duration = .seconds(5)
    /// Reads the file named by the environment variable `CARES_HOSTS` in place of `/etc/hosts`.
    package var usesHostsVariable = false
    /// After this a name server that is silent is given up: the time for all attempts at all servers.
    package var timeout: Duration = .seconds(5)
    /// Names of each origin that are looked up at a time.
    package var concurrentLookups: [NameOrigin: Int] = [.stores: 16, .clients: 64]
    /// Names of each origin that may wait for their turn; one more fails at once.
    package var waitingLookups = 1024
    /// The bounds on how long an address is used, whatever time to live its record has. Names of containers move with
    /// every restart, and the name servers of container engines announce ten minutes.
    package var timeToLive: ClosedRange<Duration> = .seconds(1)...(.seconds(5))
    /// How long a failure stands for a client's name.
    package var failureTimeToLive: Duration = .seconds(1)
    /// Names in the cache.
    package var cachedNames = 4096

    /// The defaults.
    package init() {}
}
