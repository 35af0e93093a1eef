import ASCIIText
import Foundation

extension UUID {
    /// The identifier as it is written on the wire: lower-case.
    public var lowercased: String { UUIDText.string(self) }

    /// Appends the 36 lower-case characters.
    public func appendLowercased(to bytes: inout [UInt8]) { UUIDText.append(self, to: &bytes) }

    /// Reads the 36 characters of the canonical form, in either case, and nothing else (no braces, no `urn:`).
    public init?(canonical text: some StringProtocol) {
        guard let id = UUIDText.read(text) else { return nil }
        self = id
    }

    /// Reads the 36 characters of the canonical form, in either case, and nothing else.
    public init?(canonical text: some Sequence<UInt8>) {
        // Generic code of another module goes through witnesses byte by byte; contiguous bytes are the usual case.
        let id =
            text.withContiguousStorageIfAvailable { UUIDText.read($0) }
            ?? Array(text).withUnsafeBufferPointer { UUIDText.read($0) }
        guard let id else { return nil }
        self = id
    }
}
