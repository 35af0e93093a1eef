import HTTPCore

/// A tar archive that is generated while it is sent.
///
/// `@unchecked Sendable`: it has one reader at a time, as every source.
final class TarUpload: HTTPByteSource, @unchecked Sendable {
    private enum Segment {
        case bytes([UInt8])
        case file(OutgoingFile)
    }

    /// Bytes of the whole archive.
    private(set) var length = 0
    private var segments: [Segment] = []
    private var current: (source: any HTTPByteSource, left: Int)?

    /// Adds raw bytes: a header or padding.
    func add(_ bytes: [UInt8]) {
        segments.append(.bytes(bytes))
        length += bytes.count
    }

    /// Adds a file's content with its padding.
    func add(_ file: OutgoingFile) {
        segments.append(.file(file))
        length += file.size
        add(TarHeader.padding(file.size))
    }

    func next() async throws(HTTPBodyError) -> [UInt8]? {
        while true {
            if let file = current {
                if let chunk = try await next(of: file) { return chunk }
                current = nil
            }
            guard !segments.isEmpty else { return nil }
            switch segments.removeFirst() {
            case .bytes(let bytes): if !bytes.isEmpty { return bytes }
            case .file(let file): current = (file.source(), file.size)
            }
        }
    }

    /// - Throws: `truncated` when the file has another length than was announced.
    private func next(of file: (source: any HTTPByteSource, left: Int)) async throws(HTTPBodyError) -> [UInt8]? {
        guard let chunk = try await file.source.next() else {
            guard file.left == 0 else { throw .truncated }
            return nil
        }
        guard chunk.count <= file.left else { throw .truncated }
        current = (file.source, file.left - chunk.count)
        return chunk
    }

    func cancel() {
        current?.source.cancel()
        current = nil
        segments = []
    }
}
