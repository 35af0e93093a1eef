import HTTPCore
import Synchronization

/// A tar archive that is generated while it is sent.
final class TarUpload: HTTPByteSource {
    private enum Segment {
        case bytes([UInt8])
        case file(OutgoingFile)
    }

    private struct State {
        var length = 0
        var segments: [Segment] = []
        var current: (source: any HTTPByteSource, left: Int)?

        mutating func add(_ segment: Segment, _ count: Int) {
            segments.append(segment)
            length += count
        }
    }

    private let state = Mutex(State())

    /// Bytes of the whole archive.
    var length: Int { state.withLock { $0.length } }

    /// Adds raw bytes: a header or padding.
    func add(_ bytes: [UInt8]) {
        state.withLock { $0.add(.bytes(bytes), bytes.count) }
    }

    /// Adds a file's content with its padding.
    func add(_ file: OutgoingFile) {
        state.withLock { $0.add(.file(file), file.size) }
        add(TarHeader.padding(file.size))
    }

    func next() async throws(HTTPBodyError) -> [UInt8]? {
        while true {
            if let file = state.withLock({ $0.current }) {
                if let chunk = try await next(of: file) { return chunk }
                state.withLock { $0.current = nil }
            }
            let segment = state.withLock { $0.segments.isEmpty ? nil : $0.segments.removeFirst() }
            switch segment {
            case nil: return nil
            case .bytes(let bytes): if !bytes.isEmpty { return bytes }
            case .file(let file):
                let source = file.source()
                state.withLock { $0.current = (source, file.size) }
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
        state.withLock { $0.current = (file.source, file.left - chunk.count) }
        return chunk
    }

    func cancel() {
        let current = state.withLock { state in
            defer { (state.current, state.segments) = (nil, []) }
            return state.current
        }
        current?.source.cancel()
    }
}
