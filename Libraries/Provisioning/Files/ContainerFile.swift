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

/// A regular file of a container, about to be read.
package struct ContainerFile: Sendable {
    /// Bytes.
    package let size: Int
    /// When it was changed, in seconds since 1970.
    package let modified: Int
    /// All of it. Dropped unread, nothing more is asked of the backend.
    package let body: any HTTPByteSource
}
