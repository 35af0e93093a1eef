/// Header fields in the order in which they stand on the wire; names compare without regard to case.
///
/// One buffer holds them all: a head costs one allocation however many fields it has, and text is made only of those that
/// are asked for.
package struct HTTPHeaders: Sendable, Sequence, ExpressibleByDictionaryLiteral {
    package typealias Field = (name: String, value: String)

    /// For each field the lengths of its name and its value, in four bytes each, and the bytes of both.
    @usableFromInline var storage: [UInt8] = []
    package private(set) var count = 0
    /// Where the last field begins.
    private var last = 0

    package init() {}

    package init(_ fields: [Field]) {
        for (name, value) in fields { add(name, value) }
    }

    package init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { add(name, value) }
    }

    package var isEmpty: Bool { count == 0 }

    /// The first value of a field, or `nil`. Assigning replaces every field of that name.
    package subscript(_ name: String) -> String? {
        get { withValue(of: name) { String(decoding: $0, as: UTF8.self) } }
        set {
            remove(name)
            if let newValue { add(name, newValue) }
        }
    }

    /// Lends the bytes of a field's first value.
    ///
    /// - Returns: what `body` returned; `nil` when there is no such field.
    @inlinable
    package func withValue<Result>(of name: String, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result? {
        guard let range = valueRange(of: name) else { return nil }
        return storage.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[range])) }
    }

    /// Where in the storage the first value of a field is.
    @usableFromInline
    func valueRange(of name: String) -> Range<Int>? {
        var name = name
        return name.withUTF8 { name in
            storage.withUnsafeBufferPointer { bytes in
                var position = 0
                while position < bytes.count {
                    let (valueStart, end) = Self.ends(of: position, bytes)
                    let nameStart = position &+ Self.lengthsSize
                    // Most names differ in length already.
                    if valueStart &- nameStart == name.count,
                        Self.equal(UnsafeBufferPointer(rebasing: bytes[nameStart..<valueStart]), name)
                    {
                        return valueStart..<end
                    }
                    position = end
                }
                return nil
            }
        }
    }

    /// Every value of a field, in order.
    package func values(_ name: String) -> [String] {
        filter { Self.equal($0.name, name) }.map(\.value)
    }

    package func contains(_ name: String) -> Bool {
        withValue(of: name) { _ in true } ?? false
    }

    /// Appends a field, whether or not one of that name exists.
    package mutating func add(_ name: String, _ value: String) {
        var (name, value) = (name, value)
        name.withUTF8 { name in value.withUTF8 { add(name: name, value: $0) } }
    }

    package mutating func add(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
        beginField()
        extendName(UnsafeRawBufferPointer(name))
        extendValue(UnsafeRawBufferPointer(value))
    }

    /// Appends an empty field, to be filled as it comes over the wire: first its name, then its value. Ill-formed UTF-8
    /// shows as U+FFFD when it is read as text.
    package mutating func beginField() {
        last = storage.count
        storage.append(contentsOf: Self.noLengths)
        count += 1
    }

    package mutating func extendName(_ piece: UnsafeRawBufferPointer) {
        storage.append(contentsOf: piece)
        grow(at: last, by: piece.count)
    }

    package mutating func extendValue(_ piece: UnsafeRawBufferPointer) {
        storage.append(contentsOf: piece)
        grow(at: last + MemoryLayout<UInt32>.size, by: piece.count)
    }

    private static let noLengths = [UInt8](repeating: 0, count: lengthsSize)
    private static var lengthsSize: Int { MemoryLayout<(UInt32, UInt32)>.size }

    /// Where the name and the value of the field that begins at `start` end.
    @inline(__always)
    private static func ends(of start: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> (name: Int, value: Int) {
        let lengths = UnsafeRawBufferPointer(bytes).loadUnaligned(
            fromByteOffset: start, as: (UInt32, UInt32).self)
        let name = start &+ lengthsSize &+ Int(lengths.0)
        return (name, name &+ Int(lengths.1))
    }

    private mutating func grow(at offset: Int, by count: Int) {
        storage.withUnsafeMutableBytes { bytes in
            let length = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            bytes.storeBytes(of: length + UInt32(count), toByteOffset: offset, as: UInt32.self)
        }
    }

    package mutating func remove(_ name: String) {
        guard contains(name) else { return }
        self = HTTPHeaders(filter { !Self.equal($0.name, name) })
    }

    /// - Parameter bytes: of all names and values together, about.
    package mutating func reserveCapacity(_ bytes: Int) {
        storage.reserveCapacity(bytes)
    }

    package func makeIterator() -> IndexingIterator<[Field]> {
        var fields: [Field] = []
        fields.reserveCapacity(count)
        forEachField { name, value in
            fields.append((String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
        }
        return fields.makeIterator()
    }
}

// MARK: - Bytes

extension HTTPHeaders {
    /// Lends the bytes of every field, in order.
    package func forEachField(_ body: (_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Void)
    {
        storage.withUnsafeBufferPointer { bytes in
            var cursor = Cursor(bytes)
            while let field = cursor.next() { body(field.name, field.value) }
        }
    }

    /// Goes from field to field.
    private struct Cursor {
        private let bytes: UnsafeBufferPointer<UInt8>
        /// Behind the field that was given last.
        private(set) var position = 0

        init(_ bytes: UnsafeBufferPointer<UInt8>) {
            self.bytes = bytes
        }

        mutating func next() -> (name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>)? {
            guard position < bytes.count else { return nil }
            let nameStart = position &+ HTTPHeaders.lengthsSize
            let (valueStart, end) = HTTPHeaders.ends(of: position, bytes)
            position = end
            return (
                UnsafeBufferPointer(rebasing: bytes[nameStart..<valueStart]),
                UnsafeBufferPointer(rebasing: bytes[valueStart..<position])
            )
        }
    }

    /// ASCII case-insensitive comparison without allocating.
    package static func equal(_ left: String, _ right: String) -> Bool {
        var (left, right) = (left, right)
        return left.withUTF8 { left in right.withUTF8 { equal(left, $0) } }
    }

    /// ASCII case-insensitive comparison.
    package static func equal(_ left: UnsafeBufferPointer<UInt8>, _ right: StaticString) -> Bool {
        equal(left, UnsafeBufferPointer(start: right.utf8Start, count: right.utf8CodeUnitCount))
    }

    private static func equal(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        for index in 0..<left.count where lowered(left[index]) != lowered(right[index]) { return false }
        return true
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }
}
