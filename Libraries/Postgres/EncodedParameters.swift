import Foundation

/// The parameters of one call in the form libpq takes: NUL-terminated texts, all in one buffer.
struct EncodedParameters: Sendable {
    /// More do not fit the protocol's 16-bit count.
    static let limit = 65_535

    private var text: [UInt8] = []
    /// Where each parameter starts; -1 for NULL.
    private var offsets: [Int] = []
    /// Whether some parameter contains a NUL, which no Postgres text can: it would silently end there.
    private(set) var containsNUL = false

    init(_ values: [any PostgresEncodable]) {
        offsets.reserveCapacity(values.count)
        for value in values {
            if value.isNull {
                offsets.append(-1)
            } else {
                let start = text.count
                offsets.append(start)
                value.write(to: &text)
                containsNUL = containsNUL || hasNUL(from: start)
                text.append(0)
            }
        }
    }

    var count: Int { offsets.count }

    /// Pointers to the parameters, valid during the call.
    func withPointers<R>(_ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> R) -> R {
        if offsets.isEmpty { return body(nil) }
        return text.withUnsafeBytes { bytes in
            withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: offsets.count) { pointers in
                let base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
                for (index, offset) in offsets.enumerated() {
                    pointers.initializeElement(at: index, to: offset < 0 ? nil : base.map { $0 + offset })
                }
                return body(UnsafePointer(pointers.baseAddress))
            }
        }
    }

    private func hasNUL(from start: Int) -> Bool {
        text.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, bytes.count > start else { return false }
            return memchr(base + start, 0, bytes.count - start) != nil
        }
    }
}
