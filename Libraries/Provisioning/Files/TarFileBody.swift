import HTTPCore
import Synchronization

/// The content of the first file of a tar archive that is being received.
final class TarFileBody: HTTPByteSource {
    /// Why an archive cannot be read.
    enum Refusal: Error {
        case broken(String)
        /// The first entry is a folder, a link or a device.
        case notAFile
    }

    private struct State {
        var size = 0
        /// Received and not read yet.
        var buffer: [UInt8] = []
        /// Bytes of the content that are still to be read.
        var left = 0

        mutating func take(_ count: Int) -> [UInt8]? {
            guard buffer.count >= count else { return nil }
            let taken = Array(buffer.prefix(count))
            buffer.removeFirst(count)
            return taken
        }

        mutating func takeBuffer() -> [UInt8] {
            defer { buffer = [] }
            return buffer
        }
    }

    private let source: any HTTPByteSource
    private let state = Mutex(State())

    /// Bytes.
    var size: Int { state.withLock { $0.size } }

    init(_ source: any HTTPByteSource) {
        self.source = source
    }

    /// Reads up to where the content begins.
    ///
    /// - Throws: `Refusal`, `HTTPBodyError`.
    func readHeader() async throws {
        // It may be preceded by records with long names, fractions of seconds, and sizes of 8 GiB and more, which do
        // not fit into the header: its own size field is not valid then.
        var recorded: Int?
        for _ in 0..<8 {
            let header = try await take(TarHeader.block)
            guard header.contains(where: { $0 != 0 }) else { throw Refusal.broken("the archive is empty") }
            guard let length = Self.number(header[124..<136]), length >= 0 else {
                throw Refusal.broken("an entry of the archive has no size")
            }
            switch header[156] {
            case UInt8(ascii: "0"), 0, UInt8(ascii: "7"):
                let size = recorded ?? length
                return state.withLock { ($0.size, $0.left) = (size, size) }
            case UInt8(ascii: "x"), UInt8(ascii: "g"), UInt8(ascii: "L"), UInt8(ascii: "K"):
                guard length <= Self.recordLimit else { throw Refusal.broken("a record of the archive is too long") }
                let record = try await take(length + TarHeader.padding(length).count).prefix(length)
                let isOfPax = header[156] == UInt8(ascii: "x") || header[156] == UInt8(ascii: "g")
                if isOfPax, let size = try Self.size(inRecords: record) { recorded = size }
            default: throw Refusal.notAFile
            }
        }
        throw Refusal.broken("the archive does not come to its file")
    }

    func next() async throws(HTTPBodyError) -> [UInt8]? {
        let left = state.withLock { $0.left }
        guard left > 0 else { return nil }
        var chunk = state.withLock { $0.takeBuffer() }
        if chunk.isEmpty {
            guard let next = try await source.next() else { throw .truncated }
            chunk = next
        }
        if chunk.count > left { chunk.removeLast(chunk.count - left) }
        let count = chunk.count
        state.withLock { $0.left -= count }
        return chunk
    }

    func cancel() { source.cancel() }

    private func take(_ count: Int) async throws -> [UInt8] {
        while true {
            if let taken = state.withLock({ $0.take(count) }) { return taken }
            guard let chunk = try await source.next() else { throw HTTPBodyError.truncated }
            state.withLock { $0.buffer += chunk }
        }
    }

    /// The size in pax records: `<length> <key>=<value>\n`, with the length of the whole record in decimal digits.
    ///
    /// - Throws: `Refusal` for malformed records, or a size that is not a number.
    private static func size(inRecords bytes: ArraySlice<UInt8>) throws(Refusal) -> Int? {
        var (rest, size) = (bytes, Int?.none)
        while !rest.isEmpty {
            guard let space = rest.firstIndex(of: 0x20), let length = decimal(rest[..<space]),
                length > space - rest.startIndex + 1, length <= rest.count,
                rest[rest.startIndex + length - 1] == UInt8(ascii: "\n")
            else { throw .broken("a record of the archive cannot be read") }
            let record = rest[(space + 1)..<(rest.startIndex + length - 1)]
            rest = rest.dropFirst(length)
            guard record.starts(with: "size=".utf8) else { continue }
            size = decimal(record.dropFirst(5))
            if size == nil { throw .broken("a record of the archive has a size that is none") }
        }
        return size
    }

    private static func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(String(decoding: digits, as: UTF8.self))
    }

    /// Octal digits, or base 256 for larger numbers.
    private static func number(_ field: ArraySlice<UInt8>) -> Int? {
        if let first = field.first, first & 0x80 != 0 {
            guard first == 0x80, field.dropFirst().dropLast(7).allSatisfy({ $0 == 0 }) else { return nil }
            return field.suffix(7).reduce(0) { $0 << 8 | Int($1) }
        }
        let digits = field.drop { $0 == 0x20 }.prefix { (0x30...0x37).contains($0) }
        return digits.isEmpty ? nil : digits.reduce(0) { $0 << 3 | Int($1 - 0x30) }
    }

    private static let recordLimit = 64 * 1024
}
