/// Moves through JSON that was checked before, so that it need not look at most bytes twice.
struct JSONWalker {
    let bytes: UnsafeBufferPointer<UInt8>
    var position: Int

    struct Member {
        let name: JSONName
        let value: Range<Int>
    }

    /// At the first member of the object, or the first element of the array, that begins at `start`.
    @inline(__always)
    init(_ bytes: UnsafeBufferPointer<UInt8>, inside start: Int) {
        self.init(bytes, at: start &+ 1)
    }

    /// At a place inside an object or an array, behind one of its values or before the first.
    @inline(__always)
    init(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) {
        self.bytes = bytes
        self.position = position
    }

    /// The next member, or nil behind the last.
    @inline(__always)
    mutating func nextMember() -> Member? {
        switch token() {
        case UInt8(ascii: "}"): return nil
        case UInt8(ascii: ","):
            position &+= 1
            _ = token()
        default: break
        }
        let start = position
        let hasEscapes = passString()
        let name = JSONName(start, position, hasEscapes: hasEscapes)
        _ = token()  // the colon
        position &+= 1
        return Member(name: name, value: passValue())
    }

    /// The next element, or nil behind the last.
    @inline(__always)
    mutating func nextElement() -> Range<Int>? {
        switch token() {
        case UInt8(ascii: "]"): return nil
        case UInt8(ascii: ","): position &+= 1
        default: break
        }
        return passValue()
    }

    /// The next byte that is not white space; there is one, since the document is well-formed.
    @inline(__always)
    mutating func token() -> UInt8 {
        while bytes[position] <= 0x20 { position &+= 1 }
        return bytes[position]
    }

    /// Passes a value and returns where it is.
    mutating func passValue() -> Range<Int> {
        let first = token()
        let start = position
        switch first {
        case UInt8(ascii: "\""): _ = passString()
        case UInt8(ascii: "{"), UInt8(ascii: "["): passContainer()
        default:  // a number or a literal ends where anything structural begins
            while position < bytes.count {
                switch bytes[position] {
                case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0...0x20:
                    return Range(uncheckedBounds: (start, position))
                default: position &+= 1
                }
            }
        }
        return Range(uncheckedBounds: (start, position))
    }

    /// Passes the string whose opening quote is at the position.
    ///
    /// - Returns: whether it has escapes.
    @inline(__always)
    mutating func passString() -> Bool {
        var hasEscapes = false
        position &+= 1
        while true {
            position = endOfRun(from: position)
            switch bytes[position] {
            case 0x22:
                position &+= 1
                return hasEscapes
            case 0x5C:
                hasEscapes = true
                position &+= 2
            default: position &+= 1
            }
        }
    }

    /// Where the next quote or backslash may be: eight bytes at a time, then left to the caller.
    @inline(__always)
    private func endOfRun(from start: Int) -> Int {
        var position = start
        while position &+ 8 <= bytes.count {
            let ends = bytes.word(at: position).quotesAndBackslashes
            if ends != 0 { return position &+ ends.trailingZeroBitCount >> 3 }
            position &+= 8
        }
        return position
    }

    /// Passes an object or an array by counting brackets of both kinds: they are known to match.
    private mutating func passContainer() {
        var depth = 0
        repeat {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                _ = passString()
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth &+= 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth &-= 1
            default: break
            }
            position &+= 1
        } while depth > 0
    }
}
