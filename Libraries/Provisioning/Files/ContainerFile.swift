import HTTPCore

/// A file that is to be copied into a container.
package struct OutgoingFile: Sendable {
    /// Without folders.
    package let name: String
    /// Bytes that the source gives, exactly.
    package let size: Int
    /// Begins to read it.
    package let source: @Sendable () -> any HTTPByteSource

    package init(name: String, size: Int, source: @escaping @Sendable () -> any HTTPByteSource) {
        self.name = name
        self.size = size
        self.source = source
    }
}

/// A regular file of a container, as it was found.
package struct ContainerFile: Sendable {
    /// Bytes.
    package let size: Int
    /// When it was changed, in seconds since 1970.
    package let modified: Int
    /// Begins to read all of it, `size` bytes. Until then the backend sends nothing of it.
    ///
    /// - Throws: `unavailable` when it has another size by now.
    package let open: @Sendable () async throws(ProvisioningError) -> any HTTPByteSource
}
