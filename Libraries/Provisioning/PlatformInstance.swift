/// The id that distinguishes the containers and volumes of this platform from those of others on the same engine.
///
/// No default would be right for two platforms: without a configured id, one is generated once and stored with the
/// platform's data, so that it is known only when the data can be read.
package struct PlatformInstance: Sendable {
    /// The configured id; `nil` when it is stored with the platform's data.
    package let configured: String?
    private let read: @Sendable () async throws -> String

    package init(_ id: String) {
        configured = id
        read = { id }
    }

    /// - Parameter read: reads the stored id; generates and stores it first if there is none.
    package init(storedBy read: @escaping @Sendable () async throws -> String) {
        configured = nil
        self.read = read
    }

    /// Not known yet.
    package static let unknown = PlatformInstance(storedBy: { throw Unknown() })

    private struct Unknown: Error {}

    /// The id. It is read each time: the database may have been replaced.
    ///
    /// - Throws: `unavailable` while it cannot be read; nothing may be started or swept then.
    package func id(for operation: ProvisioningError.Operation) async throws(ProvisioningError) -> String {
        do {
            return try await read()
        } catch {
            throw ProvisioningError(
                .unavailable, operation, detail: "the platform's instance id is not known: \(error)")
        }
    }

    /// Whether a text is a valid id: it becomes the value of a label, which people type into filters.
    package static func isUsable(_ text: String) -> Bool {
        (1...maximumLength).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    package static let maximumLength = 128
}
