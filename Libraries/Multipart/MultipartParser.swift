/// An event of a parser.
package enum MultipartEvent: Sendable, Hashable {
    /// A part begins.
    case part(MultipartPart)
    /// Bytes of the part that began last, never empty.
    case body([UInt8])
    /// The part is complete.
    case partEnd
}

/// Parses a `multipart/form-data` body incrementally (RFC 7578, RFC 2046): bytes in, events out.
///
/// It buffers no more of a part than may be the beginning of a boundary, and no more header bytes than the limit.
package struct MultipartParser: Sendable {
    private enum State: Sendable {
        case preamble
        /// Behind a boundary: `--`, or blanks and a line break.
        case boundaryEnd
        case headers
        case body
        /// Behind the final boundary, where everything is ignored.
        case epilogue
    }

    private let delimiter: [UInt8]
    private let limits: MultipartLimits
    private var state = State.preamble
    /// Bytes not consumed yet. A boundary begins with a line break; the first one stands at the beginning.
    private var buffer: [UInt8] = [0x0D, 0x0A]
    /// Bytes at the beginning of `buffer` that belong to no part: the line break behind its header fields may be that
    /// of the next boundary.
    private var borrowed = 0
    private var preambleBytes = 0
    /// Parts so far, whatever their names.
    package private(set) var partCount = 0

    package init(boundary: MultipartBoundary, limits: MultipartLimits = MultipartLimits()) {
        delimiter = [0x0D, 0x0A, 0x2D, 0x2D] + boundary.bytes
        self.limits = limits
    }

    /// The final boundary has come: there are no more parts.
    package var isFinished: Bool { state == .epilogue }

    /// Takes the next bytes.
    package mutating func consume(_ bytes: [UInt8]) throws(MultipartError) -> [MultipartEvent] {
        guard state != .epilogue else { return [] }
        buffer.append(contentsOf: bytes)
        var events: [MultipartEvent] = []
        while try step(&events) {}
        return events
    }

    /// To be called at the body's end.
    ///
    /// - Throws: `unfinished` when it is not complete.
    package func finish() throws(MultipartError) {
        guard isFinished else { throw .unfinished }
    }

    /// - Returns: whether the buffered bytes may allow another step.
    private mutating func step(_ events: inout [MultipartEvent]) throws(MultipartError) -> Bool {
        switch state {
        case .preamble: return try skipPreamble()
        case .boundaryEnd: return try endBoundary()
        case .headers: return try readHeaders(&events)
        case .body: return readBody(&events)
        case .epilogue:
            buffer = []
            return false
        }
    }

    private mutating func skipPreamble() throws(MultipartError) -> Bool {
        let (found, end) = search()
        preambleBytes += end
        // The line break before the body's first byte was added by the parser.
        guard preambleBytes <= limits.preambleBytes + 2 else { throw .preambleTooLarge }
        buffer.removeFirst(found ? end + delimiter.count : end)
        if found { state = .boundaryEnd }
        return found
    }

    private mutating func endBoundary() throws(MultipartError) -> Bool {
        if buffer.starts(with: [0x2D, 0x2D]) {
            state = .epilogue
            return true
        }
        let blanks = buffer.prefix { $0 == 0x20 || $0 == 0x09 }.count
        guard blanks <= 256 else { throw .malformed("a boundary line is too long") }
        let rest = buffer[blanks...]
        if rest.count >= 2 || rest.first.map({ $0 != 0x0D && ($0 != 0x2D || blanks > 0) }) == true {
            guard rest.starts(with: [0x0D, 0x0A]) else { throw .malformed("a boundary is followed by something else") }
            partCount += 1
            guard partCount <= limits.parts else { throw .tooManyParts(limit: limits.parts) }
            buffer.removeFirst(blanks + 2)
            state = .headers
            return true
        }
        return false
    }

    private mutating func readHeaders(_ events: inout [MultipartEvent]) throws(MultipartError) -> Bool {
        guard let end = headersEnd() else {
            guard buffer.count <= limits.headerBytes else { throw .headersTooLarge }
            return false
        }
        guard end <= limits.headerBytes else { throw .headersTooLarge }
        events.append(.part(try MultipartPart(buffer[..<end], limits: limits)))
        buffer.removeFirst(end)
        borrowed = 2
        state = .body
        return true
    }

    /// Where the empty line behind the header fields begins.
    private func headersEnd() -> Int? {
        if buffer.starts(with: [0x0D, 0x0A]) { return 0 }
        return buffer.withUnsafeBufferPointer { bytes in
            var index = 0
            while index + 3 < bytes.count {
                if bytes[index] == 0x0D, bytes[index + 1] == 0x0A, bytes[index + 2] == 0x0D, bytes[index + 3] == 0x0A {
                    return index + 2
                }
                index += 1
            }
            return nil
        }
    }

    private mutating func readBody(_ events: inout [MultipartEvent]) -> Bool {
        let (found, end) = search()
        if end > borrowed { events.append(.body(Array(buffer[borrowed..<end]))) }
        borrowed = max(0, borrowed - end)
        buffer.removeFirst(found ? end + delimiter.count : end)
        guard found else { return false }
        borrowed = 0
        events.append(.partEnd)
        state = .boundaryEnd
        return true
    }

    /// Looks for the delimiter.
    ///
    /// - Returns: where it is; else from where on the buffer may be the beginning of one.
    private func search() -> (found: Bool, end: Int) {
        buffer.withUnsafeBufferPointer { bytes in
            delimiter.withUnsafeBufferPointer { delimiter in
                var index = 0
                while index < bytes.count {
                    guard bytes[index] == 0x0D else {
                        index += 1
                        continue
                    }
                    let count = min(delimiter.count, bytes.count - index)
                    var same = 1
                    while same < count, bytes[index + same] == delimiter[same] { same += 1 }
                    if same == delimiter.count { return (true, index) }
                    if same == bytes.count - index { return (false, index) }
                    index += 1
                }
                return (false, bytes.count)
            }
        }
    }
}
