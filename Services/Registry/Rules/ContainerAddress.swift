import Foundation

/// How callers in containers reach what listens on their host.
enum ContainerAddress {
    /// The URL with `127.0.0.1` or `localhost` as its host rewritten to `host.docker.internal`.
    static func rewritten(_ url: String) -> String {
        guard var parts = URLComponents(string: url), let host = parts.host?.lowercased(),
            host == "127.0.0.1" || host == "localhost"
        else { return url }
        parts.host = "host.docker.internal"
        return parts.string ?? url
    }
}
