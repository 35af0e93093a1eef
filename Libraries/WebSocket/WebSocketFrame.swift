/// The bytes of a server's frames (RFC 6455, 5.2): never masked, and so the same for every client.
package enum WebSocketFrame {
    private static let final: UInt8 = 0x80
    private static let text: UInt8 = 0x1
    private static let binary: UInt8 = 0x2
    private static let continuation: UInt8 = 0x0

    /// A ping without data.
    static let ping: [UInt8] = [0x89, 0]

    /// A closing frame without a reason.
    static func close(_ code: WebSocketCloseCode) -> [UInt8] {
        [0x88, 2, UInt8(code.rawValue >> 8), UInt8(code.rawValue & 0xFF)]
    }

    /// Whole frames up to the first that closes.
    static func beforeClose(_ frames: [UInt8]) -> [UInt8] {
        var start = 0
        while start < frames.count, frames[start] & 0xF != 8 {
            // A server that sends nothing of its own accord sends control frames only, with a length of one byte.
            start += 2 + Int(frames[start + 1])
        }
        return Array(frames[..<min(start, frames.count)])
    }

    /// A message, in one frame where that fits into `limit`, else in several: between them others may come.
    ///
    /// - Parameters:
    ///   - payload: UTF-8 where it is text.
    ///   - limit: bytes of payload in a frame.
    /// - Returns: one or more whole frames.
    package static func message(_ payload: [UInt8], isText: Bool = true, upTo limit: Int) -> [[UInt8]] {
        let opcode = isText ? text : binary
        if payload.count <= limit { return [frame(final | opcode, payload[...])] }
        return stride(from: 0, to: payload.count, by: limit).map { start in
            let end = min(start + limit, payload.count)
            let kind = start == 0 ? opcode : continuation
            return frame(end == payload.count ? final | kind : kind, payload[start..<end])
        }
    }

    private static func frame(_ first: UInt8, _ payload: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payload.count + 10)
        bytes.append(first)
        switch payload.count {
        case ..<126: bytes.append(UInt8(payload.count))
        case ..<65536: append(payload.count, marker: 126, width: 2, to: &bytes)
        default: append(payload.count, marker: 127, width: 8, to: &bytes)
        }
        bytes.append(contentsOf: payload)
        return bytes
    }

    private static func append(_ length: Int, marker: UInt8, width: Int, to bytes: inout [UInt8]) {
        bytes.append(marker)
        for shift in (0..<width).reversed() { bytes.append(UInt8(truncatingIfNeeded: length >> (shift * 8))) }
    }
}

/// Why a connection is closed (RFC 6455, 7.4).
package enum WebSocketCloseCode: UInt16, Sendable {
    case goingAway = 1001
    case protocolError = 1002
    case invalidPayload = 1007
    case policyViolation = 1008
    case messageTooBig = 1009
    case internalError = 1011
    case tryAgainLater = 1013
}

/// A message of a client.
package struct WebSocketMessage: Sendable, Equatable {
    package let isText: Bool
    package let bytes: [UInt8]
}

/// The connection is closed, or about to be.
package struct WebSocketClosed: Error, Sendable {}
