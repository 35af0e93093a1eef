/// Finds the end of an HTTP/1.1 response at the least cost: its status, its length, and whether it is chunked. The
/// servers under load are this project's and nginx: their conformance is checked by tests, not by the load generator.
struct ResponseReader {
    enum Progress: Equatable {
        case incomplete
        case complete(status: Int)
        case malformed
    }

    private enum Framing {
        case head
        case length(left: Int)
        /// Only one request is in flight, so the response ends where the bytes end with the last chunk.
        case chunked
    }

    private var framing = Framing.head
    private var status = 0
    /// The head, or the end of a chunked body, while incomplete.
    private var buffered: [UInt8] = []

    /// Takes bytes of the response; ready for the next one after `complete`.
    mutating func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Progress {
        switch framing {
        case .head: buffered.isEmpty ? takeHead(bytes) : continueHead(bytes)
        case .length(let left): takeBody(left - bytes.count)
        case .chunked: takeChunks(bytes)
        }
    }

    /// A head that came in pieces.
    private mutating func continueHead(_ bytes: UnsafeBufferPointer<UInt8>) -> Progress {
        let whole = buffered + bytes
        buffered.removeAll(keepingCapacity: true)
        return whole.withUnsafeBufferPointer { takeHead($0) }
    }

    private mutating func takeHead(_ bytes: UnsafeBufferPointer<UInt8>) -> Progress {
        guard let end = Self.headEnd(bytes) else {
            guard bytes.count < 65_536 else { return .malformed }
            buffered = Array(bytes)
            return .incomplete
        }
        // "HTTP/1.1 200"
        guard end >= 16, let code = Self.number(bytes[9..<12]) else { return .malformed }
        status = code
        let head = UnsafeBufferPointer(rebasing: bytes[..<end])
        let bodyBytes = UnsafeBufferPointer(rebasing: bytes[end...])
        if let length = Self.value(of: "content-length", in: head) {
            guard let length = Self.number(length) else { return .malformed }
            return takeBody(length - bodyBytes.count)
        }
        if Self.value(of: "transfer-encoding", in: head) != nil {
            framing = .chunked
            return takeChunks(bodyBytes)
        }
        return takeBody(-bodyBytes.count)
    }

    private mutating func takeBody(_ left: Int) -> Progress {
        guard left >= 0 else { return .malformed }
        guard left == 0 else {
            framing = .length(left: left)
            return .incomplete
        }
        return complete()
    }

    private mutating func takeChunks(_ bytes: UnsafeBufferPointer<UInt8>) -> Progress {
        buffered.append(contentsOf: bytes.suffix(5))
        if buffered.count > 5 { buffered.removeFirst(buffered.count - 5) }
        return buffered.elementsEqual("0\r\n\r\n".utf8) ? complete() : .incomplete
    }

    private mutating func complete() -> Progress {
        framing = .head
        buffered.removeAll(keepingCapacity: true)
        return .complete(status: status)
    }

    /// The index after the empty line.
    private static func headEnd(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        var index = 3
        while index < bytes.count {
            if bytes[index] == 10, bytes[index - 1] == 13, bytes[index - 2] == 10 { return index + 1 }
            index += 1
        }
        return nil
    }

    /// The value of a field; the name is lower-case.
    private static func value(of name: StaticString, in head: UnsafeBufferPointer<UInt8>) -> Slice<
        UnsafeBufferPointer<UInt8>
    >? {
        let length = name.utf8CodeUnitCount
        var line = 0
        while let lineEnd = head[line...].firstIndex(of: 10) {
            if lineEnd - line > length, head[line + length] == UInt8(ascii: ":"),
                (0..<length).allSatisfy({ head[line + $0] | 0x20 == name.utf8Start[$0] })
            {
                return head[(line + length + 1)..<lineEnd]
            }
            line = lineEnd + 1
        }
        return nil
    }

    private static func number(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
        var number: Int?
        for byte in bytes where byte != 32 && byte != 13 {
            guard (48...57).contains(byte), number ?? 0 < 1 << 40 else { return nil }
            number = (number ?? 0) * 10 + Int(byte - 48)
        }
        return number
    }
}
