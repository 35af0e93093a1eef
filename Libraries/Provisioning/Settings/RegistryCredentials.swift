import Foundation
import JSONBytes

/// Credentials for the registry of the workspaces' images.
package struct RegistryCredentials: Sendable {
    /// The only registry that they are sent to, e.g. `ghcr.io`.
    package let registry: String
    package let user: String
    let token: String

    package init(registry: String = "ghcr.io", user: String, token: String) {
        self.registry = registry
        self.user = user
        self.token = token
    }

    /// The value of `Authorization` for requests to a registry; `nil` for another registry.
    func basic(forRegistry host: String) -> String? {
        host == registry ? "Basic " + Data("\(user):\(token)".utf8).base64EncodedString() : nil
    }

    /// The value of `X-Registry-Auth` for an image; `nil` for an image of another registry.
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
