import Foundation
import URLSafety

/// Rewrites URLs of services on the host for callers in containers.
enum ContainerAddress {
    /// Whether the URL's host is a loopback address, in any spelling.
    static func isLoopback(_ text: String) -> Bool {
        guard let url = try? SafeURL.parse(text) else { return false }
        switch url.host {
        case .name(let name): return name == "localhost" || name.hasSuffix(".localhost")
        case .address(let bytes): return AddressClass(bytes) == .loopback
        }
    }

    /// The URL with `127.0.0.1` or `localhost` as its host rewritten to `host.docker.internal`.
    static func rewritten(_ url: String) -> String {
        guard var parts = URLComponents(string: url), let host = parts.host?.lowercased(),
            host == "127.0.0.1" || host == "localhost"
        else { return url }
        parts.host = "host.docker.internal"
        return parts.string ?? url
    }
}
