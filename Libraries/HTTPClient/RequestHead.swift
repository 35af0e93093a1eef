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
        for field in request.headers {
            switch field.name.utf8.count {
            case 0: return nil
            case 4 where HTTPHeaders.equal(field.name, "host"): hasHost = true
            case 10 where HTTPHeaders.equal(field.name, "connection"): continue
            case 14 where HTTPHeaders.equal(field.name, "content-length"): continue
            case 17 where HTTPHeaders.equal(field.name, "transfer-encoding"): continue
            default: break
            }
            guard writer.append(name: field.name, value: field.value) else { return nil }
        }
        if !hasHost { _ = writer.append(name: "host", value: request.url.authority) }
        switch framing {
        case .none: break
        case .length(let length): _ = writer.append(name: "content-length", value: String(length))
        case .chunked: _ = writer.append(name: "transfer-encoding", value: "chunked")
        }
        writer.append("\r\n")
        return isSound && writer.hasOnlyItsOwnControls ? writer.bytes : nil
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

    /// - Returns: false when a byte of the name would end it.
    private mutating func append(name: String, value: String) -> Bool {
        let start = bytes.count
        append(name)
        let isSound = bytes[start...].allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ":") }
        append(": ")
        append(value)
        append("\r\n")
        lines += 1
        return isSound
    }

    /// One pass over everything at the end is cheaper than one over each part: besides tabs, which a value may have,
    /// there must be no other control characters than our line ends.
    private var hasOnlyItsOwnControls: Bool {
        var controls = 0
        for byte in bytes where (byte < 0x20 && byte != 0x09) || byte == 0x7f { controls += 1 }
        return controls == 2 * lines
    }
}
