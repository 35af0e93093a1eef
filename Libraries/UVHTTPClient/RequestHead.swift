import HTTPCore

/// Writes a request line and its fields.
struct RequestHead {
    /// How the body is delimited.
    enum Framing {
        case none
        case length(Int)
        case chunked
    }

    static func framing(of request: ClientRequest) -> Framing {
        switch request.body {
        case .bytes(let bytes): .length(bytes.count)
        case .stream: request.contentLength.map { .length($0) } ?? .chunked
        // Methods whose requests usually have a body announce an empty one (RFC 9110, 8.6).
        case .empty: [.post, .put, .patch].contains(request.method) ? .length(0) : .none
        }
    }

    /// The head's bytes, with room for `extra` more; `nil` when a part of it could be read as another message.
    static func bytes(of request: ClientRequest, framing: Framing, extra: Int) -> [UInt8]? {
        var writer = RequestHead(capacity: 192 + request.url.target.utf8.count + 64 * request.headers.count + extra)
        writer.append(request.method.rawValue)
        writer.append(" ")
        writer.append(request.url.target)
        let isSound = writer.endRequestLine()
        var hasHost = false
        var namesCodings = false
        var areNamesSound = true
        request.headers.forEachField { name, value in
            if HTTPHeaders.equal(name, "host") { hasHost = true }
            if HTTPHeaders.equal(name, "accept-encoding") { namesCodings = true }
            if !isOurs(name), !writer.append(name: name, value: value) { areNamesSound = false }
        }
        if !hasHost { writer.appendLine("host: ", request.url.authority) }
        // Without the field a server may choose any coding (RFC 9110, 12.5.3).
        if !namesCodings { writer.appendLine("accept-encoding: identity\r\n") }
        switch framing {
        case .none: break
        case .length(let length): writer.appendLine("content-length: ", String(length))
        case .chunked: writer.appendLine("transfer-encoding: ", "chunked")
        }
        writer.append("\r\n")
        return isSound && areNamesSound && writer.hasOnlyItsOwnControls ? writer.bytes : nil
    }

    private static func isOurs(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        switch name.count {
        case 10: HTTPHeaders.equal(name, "connection")
        case 14: HTTPHeaders.equal(name, "content-length")
        case 17: HTTPHeaders.equal(name, "transfer-encoding")
        default: false
        }
    }

    private var bytes: [UInt8] = []
    private var lines = 1

    private init(capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    private mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    /// - Returns: false when there is more than one space, or a byte that is not ASCII, in the line so far.
    private mutating func endRequestLine() -> Bool {
        let isSound = bytes.count { $0 == 0x20 || $0 >= 0x7f } == 1 && bytes.first != 0x20
        append(" HTTP/1.1\r\n")
        lines += 1
        return isSound
    }

    /// - Parameter line: with its end.
    private mutating func appendLine(_ line: String) {
        append(line)
        lines += 1
    }

    private mutating func appendLine(_ start: String, _ value: String) {
        append(start)
        append(value)
        append("\r\n")
        lines += 1
    }

    /// - Returns: false when the name is empty or a byte of it would end it.
    private mutating func append(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) -> Bool {
        bytes.append(contentsOf: name)
        append(": ")
        bytes.append(contentsOf: value)
        append("\r\n")
        lines += 1
        return !name.isEmpty && name.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ":") }
    }

    /// One pass over everything at the end is cheaper than one over each part: besides tabs, which a value may have,
    /// there must be no other control characters than our line ends.
    private var hasOnlyItsOwnControls: Bool {
        bytes.withUnsafeBytes { bytes in
            var controls = 0
            var position = 0
            // Nearly all words have none.
            while position &+ 8 <= bytes.count {
                let marks = Self.controls(bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                if marks != 0 { controls &+= marks.nonzeroBitCount }
                position &+= 8
            }
            for byte in bytes[position...] where (byte < 0x20 && byte != 0x09) || byte == 0x7f { controls &+= 1 }
            return controls == 2 * lines
        }
    }

    /// The high bit of each byte that is a control character and no tab. Nothing is carried from byte to byte.
    @inline(__always)
    private static func controls(_ word: UInt64) -> UInt64 {
        let (low, ones): (UInt64, UInt64) = (0x7f7f_7f7f_7f7f_7f7f, 0x0101_0101_0101_0101)
        let (tabs, deletes) = (word ^ (ones &* 0x09), word ^ low)
        let isAbove = (word & low) &+ (ones &* 0x60) | word
        let isNoTab = (tabs & low) &+ low | tabs
        let isNoDelete = (deletes & low) &+ low | deletes
        return (~isAbove & isNoTab | ~isNoDelete) & ~low
    }
}
