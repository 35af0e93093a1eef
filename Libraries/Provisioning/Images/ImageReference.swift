/// An image's name, parsed as the engines do.
package struct ImageReference: Sendable, Hashable {
    /// The registry as the name has it, e.g. `ghcr.io` or `127.0.0.1:5000`.
    let registry: String
    /// Below the registry, e.g. `molecule-ai/workspace-template-hermes`.
    let repository: String
    let tag: String
    /// `nil` unless the name is pinned to one.
    let digest: String?

    /// - Returns: `nil` for a name that cannot be part of a path.
    init?(_ image: String) {
        guard image.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !#"?#"\%"#.utf8.contains($0) }) else { return nil }
        let parts = image.split(separator: "@", maxSplits: 1).map(String.init)
        guard var name = parts.first, !name.isEmpty else { return nil }
        digest = parts.count > 1 ? parts[1] : nil
        if let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") {
            tag = String(name[name.index(after: colon)...])
            name = String(name[..<colon])
        } else {
            tag = "latest"
        }
        var components = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard components.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }), !tag.isEmpty else { return nil }
        if components.count > 1, Self.isHost(components[0]) {
            registry = components.removeFirst()
        } else {
            registry = Self.dockerHub
            if components.count == 1 { components.insert("library", at: 0) }
        }
        repository = components.joined(separator: "/")
    }

    /// Whether two names refer to the same image when short names are expanded, as engines do.
    package static func areSame(_ first: String, _ second: String) -> Bool {
        first == second || ImageReference(first).map { $0 == ImageReference(second) } ?? false
    }

    /// The URL of the registry's API. Registries on this machine have no certificates.
    var baseURL: String {
        switch registry {
        case Self.dockerHub: "https://registry-1.docker.io"
        default: "\(isLocal ? "http" : "https")://\(registry)"
        }
    }

    /// Its registry is on this machine.
    var isLocal: Bool {
        if registry == "[::1]" || registry.hasPrefix("[::1]:") { return true }
        let host = registry.prefix { $0 != ":" }
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        return host == "localhost" || octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil }
    }

    private static let dockerHub = "docker.io"

    private static func isHost(_ component: String) -> Bool {
        component == "localhost" || component.contains(".") || component.contains(":")
    }
}
