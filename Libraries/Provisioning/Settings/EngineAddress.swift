import UVHTTPClient

/// The address of a container engine, as in `DOCKER_HOST`.
package enum EngineAddress: Sendable, Hashable {
    /// A socket of this machine.
    case unixSocket(path: String)
    /// An `http` or `https` address without a path.
    case server(ClientURL)

    /// - Parameter text: `unix:///path`, `tcp://host:port` (which is plain http), `http://...` or `https://...`.
    /// - Returns: `nil` for anything else, such as `ssh://`.
    package init?(_ text: String) {
        if text.hasPrefix("unix://") {
            let path = String(text.dropFirst("unix://".count))
            guard path.hasPrefix("/") else { return nil }
            self = .unixSocket(path: path)
        } else {
            let url = text.hasPrefix("tcp://") ? "http://" + text.dropFirst("tcp://".count) : text
            guard let url = ClientURL(url) else { return nil }
            self = .server(url)
        }
    }
}
