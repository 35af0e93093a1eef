import CCares

/// A name could not be turned into an address.
package struct ResolveError: Error, Sendable, CustomStringConvertible {
    /// The name.
    package let host: String
    /// The resolver's own words, for the log.
    package let reason: String
    /// The name server knows that there is no such name; false when it could not be found out.
    package let isUnknownName: Bool
    /// There was no response in time, or no time to ask: another attempt may succeed.
    package var isLate = false

    /// The name and the reason, for the log.
    package var description: String { "cannot resolve \(host): \(reason)" }
}

extension ResolveError {
    /// - Parameter status: one of c-ares, not `ARES_SUCCESS`.
    package init(host: String, status: Int32) {
        self.host = host
        reason = String(cString: ares_strerror(status))
        // Not ARES_ENODATA: c-ares reports it for a name without IPv6 addresses, too, whose IPv4 look-up failed.
        isUnknownName = [ARES_ENOTFOUND, ARES_ENONAME, ARES_EBADNAME].contains(status)
        isLate = status == ARES_ETIMEOUT
    }

    static func late(_ host: String) -> ResolveError {
        ResolveError(host: host, reason: "no response in time", isUnknownName: false, isLate: true)
    }

    static func overloaded(_ host: String) -> ResolveError {
        ResolveError(host: host, reason: "too many names are looked up", isUnknownName: false, isLate: true)
    }

    static func ended(_ host: String) -> ResolveError {
        ResolveError(host: host, reason: "the event loop has ended", isUnknownName: false)
    }
}
