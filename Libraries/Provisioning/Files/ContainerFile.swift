import HTTPCore

/// A file that is to be copied into a container.
package struct OutgoingFile: Sendable {
    /// Without folders.
    package let name: String
    /// The exact number of bytes of the source.
    package let size: Int
    /// Opens its content.
    package let source: @Sendable () -> any HTTPByteSource

    package init(name: String, size: Int, source: @escaping @Sendable () -> any HTTPByteSource) {
        self.name = name
        self.size = size
        self.source = source
    }
}

/// A regular file of a container, with its status when it was found.
package struct ContainerFile: Sendable {
    /// Bytes.
    package let size: Int
    /// Modification time, in seconds since 1970.
    package let modified: Int
    /// Opens its content, `size` bytes, which the backend does not send before.
    ///
    /// - Throws: `unavailable` when it has another size by now.
    package let open: @Sendable () async throws(ProvisioningError) -> any HTTPByteSource
}
