import ASCIIText

/// The trace a piece of work belongs to, as W3C Trace Context writes it in the header `traceparent`.
package struct TraceContext: Sendable, Hashable {
    package let traceIDHigh: UInt64
    package let traceIDLow: UInt64
    /// The span of the work that caused it.
    package let spanID: UInt64
    package let isSampled: Bool

    /// The header as it may be stored and passed on: nil when it does not parse, and without the fields that a later
    /// version may append, which can be of any length.
    package static func accepted(_ traceparent: String) -> String? {
        guard let context = TraceContext(traceparent: traceparent) else { return nil }
        return traceparent.utf8.count == knownLength ? traceparent : context.traceparent
    }

    fileprivate static let knownLength = 55

    /// `00-<32 hex digits>-<16 hex digits>-<flags>`.
    package var traceparent: String {
        String(unsafeUninitializedCapacity: 55) { buffer in
            (buffer[0], buffer[1], buffer[53]) = (0x30, 0x30, 0x30)
            (buffer[2], buffer[35], buffer[52]) = (0x2D, 0x2D, 0x2D)
            HexText.write(traceIDHigh, to: buffer, at: 3)
            HexText.write(traceIDLow, to: buffer, at: 19)
            HexText.write(spanID, to: buffer, at: 36)
            buffer[54] = isSampled ? 0x31 : 0x30
            return 55
        }
    }

    /// 32 lower-case hex digits, for logs.
    package var traceID: String {
        String(unsafeUninitializedCapacity: 32) { buffer in
            HexText.write(traceIDHigh, to: buffer, at: 0)
            HexText.write(traceIDLow, to: buffer, at: 16)
            return 32
        }
    }
}

extension TraceContext {
    /// Parses a header. Nil for what the recommendation calls invalid: wrong lengths, upper-case digits, zero ids,
    /// version `ff`. A later version may have more fields behind the ones known, which are ignored.
    package init?(traceparent: String) {
        let text = Array(traceparent.utf8)
        guard text.count >= Self.knownLength, text[2] == 0x2D, text[35] == 0x2D, text[52] == 0x2D,
            let version = hexValue(text[0..<2]), version != 0xFF,
            text.count == Self.knownLength || (version > 0 && text[55] == 0x2D),
            let high = hexValue(text[3..<19]), let low = hexValue(text[19..<35]), high | low != 0,
            let span = hexValue(text[36..<52]), span != 0,
            let flags = hexValue(text[53..<55])
        else { return nil }
        self.init(traceIDHigh: high, traceIDLow: low, spanID: span, isSampled: flags & 1 == 1)
    }
}

/// The number that lower-case digits stand for.
private func hexValue(_ digits: ArraySlice<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    for digit in digits {
        guard let nibble = HexText.value(digit), HexText.digit(nibble) == digit else { return nil }
        value = value << 4 | UInt64(nibble)
    }
    return value
}
