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
        writer.append(" HTTP/1.1\r\n")
        var hasHost = false
        for field in request.headers {
            switch field.name.utf8.count {
            case 4 where HTTPHeaders.equal(field.name, "host"): hasHost = true
            case 10 where HTTPHeaders.equal(field.name, "connection"): continue
            case 14 where HTTPHeaders.equal(field.name, "content-length"): continue
            case 17 where HTTPHeaders.equal(field.name, "transfer-encoding"): continue
            default: break
            }
            writer.append(name: field.name, value: field.value)
        }
        if !hasHost { writer.append(name: "host", value: request.url.authority) }
        switch framing {
        case .none: break
        case .length(let length): writer.append(name: "content-length", value: String(length))
        case .chunked: writer.append("transfer-encoding: chunked\r\n")
        }
        writer.append("\r\n")
        guard writer.isSound, sound(method: request.method.rawValue), sound(target: request.url.target) else {
            return nil
        }
        return writer.bytes
    }

    private var bytes: [UInt8] = []
    private var isSound = true

    private init(capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    private mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func append(name: String, value: String) {
        isSound = isSound && !name.isEmpty && name.utf8.allSatisfy(Self.isToken) && value.utf8.allSatisfy(Self.isField)
        append(name)
        append(": ")
        append(value)
        append("\r\n")
    }

    private static func sound(method: String) -> Bool {
        !method.isEmpty && method.utf8.allSatisfy(isToken)
    }

    private static func sound(target: String) -> Bool {
        target.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
    }

    /// Visible ASCII without the separators that would end a name. Wider than RFC 9110's token, but harmless.
    private static func isToken(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: ":")
    }

    private static func isField(_ byte: UInt8) -> Bool {
        (byte >= 0x20 && byte != 0x7f) || byte == 0x09
    }
}
