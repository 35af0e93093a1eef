import Foundation
import JSONBytes

/// Who we are to the registry that our images come from.
package struct RegistryCredentials: Sendable {
    /// Shown to this registry and to no other, e.g. `ghcr.io`.
    package let registry: String
    package let user: String
    let token: String

    package init(registry: String = "ghcr.io", user: String, token: String) {
        self.registry = registry
        self.user = user
        self.token = token
    }

    /// The value of `Authorization` for a registry's own pages; `nil` for another registry.
    func basic(forRegistry host: String) -> String? {
        host == registry ? "Basic " + Data("\(user):\(token)".utf8).base64EncodedString() : nil
    }

    /// The value of `X-Registry-Auth` for an image; `nil` when it comes from elsewhere.
    func header(forImage image: String) -> String? {
        guard image.hasPrefix(registry + "/") else { return nil }
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("username", user)
            writer.member("password", token)
            writer.member("serveraddress", registry)
        }
        // The engines decode the URL-safe alphabet, with padding.
        return Data(writer.bytes).base64EncodedString()
            .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
    }
}
