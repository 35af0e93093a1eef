/// Frames as a client spells them, right or wrong.
struct ClientFrame: Sendable {
    enum Length: Sendable {
        /// The shortest form that holds it.
        case minimal
        case short, medium, long
        /// A length that is not that of the payload, in eight bytes.
        case claimed(UInt64)
    }

    var opcode: UInt8
    var payload: [UInt8]
    var isFinal = true
    var reserved: UInt8 = 0
    var mask: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D]
    var length = Length.minimal

    static func text(_ text: String, isFinal: Bool = true) -> Self {
        Self(opcode: 1, payload: Array(text.utf8), isFinal: isFinal)
    }

    static func text(bytes: [UInt8], isFinal: Bool = true) -> Self {
        Self(opcode: 1, payload: bytes, isFinal: isFinal)
    }

    static func binary(_ bytes: [UInt8], isFinal: Bool = true) -> Self {
        Self(opcode: 2, payload: bytes, isFinal: isFinal)
    }

    static func more(_ bytes: [UInt8], isFinal: Bool = true) -> Self {
        Self(opcode: 0, payload: bytes, isFinal: isFinal)
    }

    static func ping(_ bytes: [UInt8] = []) -> Self { Self(opcode: 9, payload: bytes) }
    static func pong(_ bytes: [UInt8] = []) -> Self { Self(opcode: 10, payload: bytes) }

    static func close(_ code: UInt16? = 1000, reason: [UInt8] = []) -> Self {
        Self(opcode: 8, payload: (code.map { [UInt8($0 >> 8), UInt8($0 & 0xFF)] } ?? []) + reason)
    }

    func with(_ change: (inout Self) -> Void) -> Self {
        var copy = self
        change(&copy)
        return copy
    }

    var bytes: [UInt8] {
        var bytes = [(isFinal ? 0x80 : 0) | reserved << 4 | opcode]
        let marker: UInt8 = mask == nil ? 0 : 0x80
        func append(_ value: UInt64, width: UInt64) {
            for shift in (0..<width).reversed() { bytes.append(UInt8(truncatingIfNeeded: value >> (shift * 8))) }
        }
        let count = UInt64(payload.count)
        switch length {
        case .minimal where count < 126, .short: bytes.append(marker | UInt8(count))
        case .minimal where count < 65536, .medium:
            bytes.append(marker | 126)
            append(count, width: 2)
        case .minimal, .long:
            bytes.append(marker | 127)
            append(count, width: 8)
        case .claimed(let claimed):
            bytes.append(marker | 127)
            append(claimed, width: 8)
        }
        guard let mask else { return bytes + payload }
        return bytes + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
    }
}

/// What a server sent, read back.
enum ServerFrame: Equatable, Sendable {
    case text([UInt8])
    case binary([UInt8])
    case ping([UInt8])
    case pong([UInt8])
    /// Code (nil for none) and reason.
    case close(UInt16?, [UInt8])
    /// What must not come, in words.
    case wrong(String)

    /// Reads frames that came whole.
    static func read(_ bytes: [UInt8]) -> [ServerFrame] {
        var frames: [ServerFrame] = []
        var rest = bytes[...]
        while let first = rest.first, rest.count >= 2 {
            let second = rest[rest.startIndex + 1]
            guard first & 0xF0 == 0x80, second & 0x80 == 0 else { return frames + [.wrong("head \(first) \(second)")] }
            let width = second == 126 ? 2 : second == 127 ? 8 : 0
            guard rest.count >= 2 + width else { break }
            let count = width == 0 ? Int(second) : rest.dropFirst(2).prefix(width).reduce(0) { $0 << 8 | Int($1) }
            guard rest.count >= 2 + width + count else { break }
            let payload = Array(rest.dropFirst(2 + width).prefix(count))
            rest = rest.dropFirst(2 + width + count)
            frames.append(frame(first & 0xF, payload))
        }
        return rest.isEmpty ? frames : frames + [.wrong("\(rest.count) bytes left")]
    }

    private static func frame(_ opcode: UInt8, _ payload: [UInt8]) -> ServerFrame {
        switch opcode {
        case 1: .text(payload)
        case 2: .binary(payload)
        case 8 where payload.isEmpty: .close(nil, [])
        case 8 where payload.count >= 2:
            .close(UInt16(payload[0]) << 8 | UInt16(payload[1]), Array(payload.dropFirst(2)))
        case 9: .ping(payload)
        case 10: .pong(payload)
        default: .wrong("opcode \(opcode) with \(payload.count) bytes")
        }
    }
}
