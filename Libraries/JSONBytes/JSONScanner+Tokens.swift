import ASCIIText

extension JSONScanner {
    /// Passes the string whose opening quote is at the position.
    ///
    /// - Returns: whether it has escapes.
    @discardableResult
    mutating func skipString() throws(JSONError) -> Bool {
        var hasEscapes = false
        position &+= 1
        while true {
            skipPlainRun()
            guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
            let byte = bytes[position]
            switch byte {
            case 0x22:
                position &+= 1
                return hasEscapes
            case 0x5C:
                hasEscapes = true
                try skipEscape()
            case 0x80...:
                let length = utf8SequenceLength(bytes, at: position)
                guard length > 0 else { throw JSONError(.invalidUTF8, at: position) }
                position &+= length
            case 0..<0x20: throw JSONError(.controlCharacter, at: position)
            default: position &+= 1
            }
        }
    }

    /// Eight bytes at a time, which is most of a string's cost.
    @inline(__always)
    private mutating func skipPlainRun() {
        while position &+ 8 <= bytes.count {
            let ends = bytes.word(at: position).endsOfPlainRun
            if ends != 0 {
                position &+= ends.trailingZeroBitCount >> 3
                return
            }
            position &+= 8
        }
    }

    /// Passes an escape; one of a high surrogate together with that of the low one that must follow.
    private mutating func skipEscape() throws(JSONError) {
        let start = position
        guard position &+ 1 < bytes.count else { throw JSONError(.unexpectedEnd, at: bytes.count) }
        switch bytes[position &+ 1] {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: position &+= 2
        case 0x75:
            let unit = try codeUnit()
            switch unit {
            case 0xD800...0xDBFF:
                guard position &+ 1 < bytes.count, bytes[position] == 0x5C, bytes[position &+ 1] == 0x75,
                    case 0xDC00...0xDFFF = try codeUnit()
                else { throw JSONError(.loneSurrogate, at: start) }
            case 0xDC00...0xDFFF: throw JSONError(.loneSurrogate, at: start)
            default: break
            }
        default: throw JSONError(.invalidEscape, at: start)
        }
    }

    /// Passes `\uXXXX` and gives its value.
    private mutating func codeUnit() throws(JSONError) -> UInt32 {
        guard position &+ 6 <= bytes.count else { throw JSONError(.unexpectedEnd, at: bytes.count) }
        var unit: UInt32 = 0
        for offset in 2..<6 {
            guard let digit = HexText.value(bytes[position &+ offset]) else {
                throw JSONError(.invalidEscape, at: position)
            }
            unit = unit << 4 | UInt32(digit)
        }
        position &+= 6
        return unit
    }

    mutating func skipNumber() throws(JSONError) {
        let start = position
        if bytes[position] == UInt8(ascii: "-") { position &+= 1 }
        let firstDigit = position
        try skipDigits(of: start)
        if bytes[firstDigit] == UInt8(ascii: "0"), position &- firstDigit > 1 {
            throw JSONError(.invalidNumber, at: start)  // a leading zero
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position &+= 1
            try skipDigits(of: start)
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position &+= 1
            if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position &+= 1
            }
            try skipDigits(of: start)
        }
    }

    /// Passes digits, at least one.
    @inline(__always)
    private mutating func skipDigits(of number: Int) throws(JSONError) {
        let first = position
        while position < bytes.count, bytes[position] &- 0x30 < 10 { position &+= 1 }
        guard position > first else {
            throw JSONError(position < bytes.count ? .invalidNumber : .unexpectedEnd, at: number)
        }
    }

    @inline(__always)
    mutating func skipLiteral(_ literal: StaticString) throws(JSONError) {
        let count = literal.utf8CodeUnitCount
        for offset in 0..<count {
            guard position &+ offset < bytes.count else { throw JSONError(.unexpectedEnd, at: bytes.count) }
            guard bytes[position &+ offset] == literal.utf8Start[offset] else {
                throw JSONError(.unexpectedByte, at: position)
            }
        }
        position &+= count
    }
}
