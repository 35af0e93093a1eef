import CZlib

/// Bytes in the content codings of HTTP, made by zlib itself.
package enum Compressed {
    package enum Format: Int32, Sendable {
        /// As zlib's `windowBits`.
        case gzip = 31
        case zlib = 15
        case bare = -15
    }

    package static func bytes(_ bytes: [UInt8], as format: Format = .gzip) -> [UInt8] {
        var state = z_stream()
        let size = Int32(MemoryLayout<z_stream>.size)
        let code = deflateInit2_(
            &state, Z_BEST_COMPRESSION, Z_DEFLATED, format.rawValue, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size)
        precondition(code == Z_OK)
        defer { deflateEnd(&state) }
        var input = bytes
        let bound = Int(deflateBound(&state, UInt(bytes.count)))
        return input.withUnsafeMutableBufferPointer { input in
            [UInt8](unsafeUninitializedCapacity: bound) { output, count in
                state.next_in = input.baseAddress
                state.avail_in = UInt32(input.count)
                state.next_out = output.baseAddress
                state.avail_out = UInt32(output.count)
                precondition(deflate(&state, Z_FINISH) == Z_STREAM_END)
                count = output.count - Int(state.avail_out)
            }
        }
    }
}
