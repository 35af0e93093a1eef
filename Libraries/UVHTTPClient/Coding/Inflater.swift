import CZlib
import HTTPCore

/// Undoes one content coding with zlib, a bounded piece at a time. It owns zlib's state and frees it.
final class Inflater {
    /// Bytes of a decoded piece at most.
    private static let pieceBytes = 64 * 1024

    private let coding: ContentCoding
    /// On the heap, since zlib's own state points back at it.
    private let state = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var isInitialized = false
    /// Coded bytes, of which zlib has taken the first.
    private var input: [UInt8] = []
    private var taken = 0
    /// The last piece was full, so that zlib may hold more.
    private var mayHoldMore = false
    /// The coded data has come to its end, and nothing follows it so far.
    private var isAtEnd = false

    init(_ coding: ContentCoding) {
        self.coding = coding
        state.initialize(to: z_stream())
    }

    deinit {
        if isInitialized { inflateEnd(state) }
        state.deallocate()
    }

    func add(_ bytes: [UInt8]) {
        input = taken == input.count ? bytes : input[taken...] + bytes
        taken = 0
    }

    /// The next piece of the decoded body, never empty; `nil` when more coded bytes are needed.
    ///
    /// - Throws: `undecodable`.
    func next() throws(HTTPBodyError) -> [UInt8]? {
        guard try isReady() else { return nil }
        while taken < input.count || mayHoldMore {
            if isAtEnd { try beginNextMember() }
            let (piece, code) = inflateOnce()
            switch code {
            case Z_OK: break
            case Z_STREAM_END: (isAtEnd, mayHoldMore) = (true, false)
            // Nothing can be done without more input.
            case Z_BUF_ERROR: mayHoldMore = false
            default: throw .undecodable
            }
            if !piece.isEmpty { return piece }
            if code == Z_BUF_ERROR { return nil }
        }
        return nil
    }

    /// The coded bytes have come to their end.
    ///
    /// - Throws: `truncated` when the coding has not; a body without a byte is taken for an empty one.
    func end() throws(HTTPBodyError) {
        if isInitialized ? !isAtEnd : !input.isEmpty { throw .truncated }
    }

    private func isReady() throws(HTTPBodyError) -> Bool {
        if isInitialized { return true }
        // As many as tell the zlib format from bare deflate data.
        guard input.count >= 2 else { return false }
        // zlib's argument: 15 is the largest window, 16 more mean gzip, a negative number bare data.
        let windowBits: Int32 =
            switch coding {
            case .gzip: 15 + 16
            case .deflate: Self.isZlib(input) ? 15 : -15
            }
        // The version and the size are what the macro of this name passes.
        guard inflateInit2_(state, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw .undecodable
        }
        isInitialized = true
        return true
    }

    /// RFC 1950, 2.2: method 8, and a check that makes the two bytes a multiple of 31.
    private static func isZlib(_ bytes: [UInt8]) -> Bool {
        bytes[0] & 0x0f == 8 && (UInt(bytes[0]) << 8 | UInt(bytes[1])) % 31 == 0
    }

    /// Only gzip may go on behind its end, with another member (RFC 1952, 2.2).
    private func beginNextMember() throws(HTTPBodyError) {
        guard coding == .gzip, inflateReset(state) == Z_OK else { throw .undecodable }
        isAtEnd = false
    }

    private func inflateOnce() -> (piece: [UInt8], code: Int32) {
        var code = Z_OK
        var left = 0
        let piece = input.withUnsafeMutableBufferPointer { input in
            [UInt8](unsafeUninitializedCapacity: Self.pieceBytes) { output, count in
                // Both pointers are zlib's for this call only.
                state.pointee.next_in = input.baseAddress.map { $0 + taken }
                state.pointee.avail_in = UInt32(input.count - taken)
                state.pointee.next_out = output.baseAddress
                state.pointee.avail_out = UInt32(output.count)
                code = inflate(state, Z_NO_FLUSH)
                left = Int(state.pointee.avail_in)
                count = output.count - Int(state.pointee.avail_out)
                state.pointee.next_in = nil
                state.pointee.next_out = nil
            }
        }
        mayHoldMore = piece.count == Self.pieceBytes
        taken = input.count - left
        return (piece, code)
    }
}
